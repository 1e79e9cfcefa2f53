//! A cart: what an anonymous visitor keeps when they log in.

use std::collections::BTreeMap;

use cloakroom::core::Session;

use crate::Failure;

/// The name that the session keeps it under.
pub const CART: &str = "cart";

/// More of one thing than anybody carries.
const MOST: u32 = 99;

/// Something that the foyer sells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Good {
    /// Names it in the session.
    pub id: &'static str,
    /// Names it to people.
    pub title: &'static str,
    /// What one costs.
    pub cents: u32,
}

/// All that the foyer sells.
pub const GOODS: [Good; 4] = [
    Good { id: "programme", title: "Programme", cents: 400 },
    Good { id: "opera-glasses", title: "Opera glasses, hire", cents: 600 },
    Good { id: "lemonade", title: "Interval lemonade", cents: 350 },
    Good { id: "pralines", title: "Pralines", cents: 520 },
];

/// How many of each good a visitor has taken.
pub type Cart = BTreeMap<String, u32>;

/// The visitor's cart, or `None` if the session keeps something else under that name.
pub fn cart(session: &Session) -> Option<Cart> {
    session.get(CART).map(Option::unwrap_or_default).ok()
}

/// What all of it costs.
pub fn total(cart: &Cart) -> u64 {
    GOODS.iter().map(|good| u64::from(good.cents) * u64::from(*cart.get(good.id).unwrap_or(&0))).sum()
}

/// Takes one more of the good, or puts one back. Two clicks at once both count.
///
/// # Errors
///
/// 400 for a good that is not sold, and where the session keeps something else under the cart's name.
pub async fn change(session: &Session, id: &str, more: bool) -> Result<(), Failure> {
    let Some(good) = GOODS.into_iter().find(|good| good.id == id) else {
        return Err(Failure::bad("That is not for sale here."));
    };
    session
        .update(CART, |cart: &mut Cart| {
            let count = cart.entry(good.id.to_owned()).or_default();
            *count = if more { count.saturating_add(1).min(MOST) } else { count.saturating_sub(1) };
            cart.retain(|_, count| *count > 0);
        })
        .await?;
    Ok(())
}
