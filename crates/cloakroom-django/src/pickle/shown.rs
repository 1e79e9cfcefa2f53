//! A value as JSON. One that is in many places is written in each, and one that holds itself never ends: both are bounded here.

use cloakroom_core::Result;

use super::heap::{Heap, Id, Node};
use crate::LARGEST;
use crate::corrupt::corrupt;
use crate::json::DEEPEST;

/// A value that is being written, and how many of its items are.
enum Open<'h> {
    List(&'h [Id], usize),
    Dict(&'h [(Id, Id)], usize),
}

/// # Errors
///
/// `Corrupt` if it is too deep or too long, or a name is a list.
pub(crate) fn shown(heap: &Heap, root: Id) -> Result<String> {
    let mut out = String::new();
    let mut open = Vec::new();
    write(heap, root, &mut out, &mut open)?;
    while let Some(last) = open.last_mut() {
        let next = match last {
            Open::List(items, at) => items.get(*at).map(|item| (None, *item, at)),
            Open::Dict(items, at) => items.get(*at).map(|(name, value)| (Some(*name), *value, at)),
        };
        let Some((name, value, at)) = next else {
            out.push(if matches!(last, Open::List(..)) { ']' } else { '}' });
            open.pop();
            continue;
        };
        if *at > 0 {
            out.push(',');
        }
        *at += 1;
        if let Some(name) = name {
            write_name(heap, name, &mut out)?;
        }
        write(heap, value, &mut out, &mut open)?;
    }
    Ok(out)
}

fn write<'h>(heap: &'h Heap, id: Id, out: &mut String, open: &mut Vec<Open<'h>>) -> Result<()> {
    match heap.node(id) {
        Some(Node::Text(text) | Node::Bare(text)) => return push(out, heap.json(text)),
        Some(Node::List(items) | Node::Tuple(items)) => {
            out.push('[');
            open.push(Open::List(items, 0));
        }
        Some(Node::Dict(items)) => {
            out.push('{');
            open.push(Open::Dict(items, 0));
        }
        None => return Err(corrupt("its pickle has a value that is none")),
    }
    if open.len() > DEEPEST {
        return Err(corrupt("its pickle is too deep, or holds itself"));
    }
    push(out, "")
}

/// A name, or what `json.dumps` makes one of.
fn write_name(heap: &Heap, id: Id, out: &mut String) -> Result<()> {
    match heap.node(id) {
        Some(Node::Text(text)) => push(out, heap.json(text))?,
        Some(Node::Bare(text)) => {
            out.push('"');
            push(out, heap.json(text))?;
            out.push('"');
        }
        _ => return Err(corrupt("its pickle has a name that is no text")),
    }
    out.push(':');
    Ok(())
}

fn push(out: &mut String, json: &str) -> Result<()> {
    if out.len() + json.len() > LARGEST {
        return Err(corrupt("its pickle is larger than any that is read"));
    }
    out.push_str(json);
    Ok(())
}
