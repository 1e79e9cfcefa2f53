//! `migrate`

use cloakroom::Engine;

use crate::output::Form;
use crate::run::Run;
use crate::trouble::Trouble;

pub(crate) async fn run(run: &mut Run) -> Result<(), Trouble> {
    run.progress.begin("migrated");
    run.settings.migrate().await?;
    let tables = matches!(run.settings.engine, Engine::Db | Engine::CachedDb);
    let engine = run.settings.engine;
    match run.out.form {
        Form::Json => run.out.json(&serde_json::json!({ "migrated": tables }))?,
        Form::Lines => run.out.record(&["migrated", if tables { "true" } else { "false" }])?,
        Form::Screen(_) if tables => run.out.line("The tables are up to date.")?,
        Form::Screen(_) => run.out.line(&format!("The engine {engine} needs no tables."))?,
    }
    run.out.flush()
}
