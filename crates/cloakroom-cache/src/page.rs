//! The first few of many ids that come in no order.

use std::collections::BTreeSet;

use cloakroom_core::SessionId;

/// Keeps the smallest ids behind a given one, and no more of them than it was told.
pub(crate) struct Page<'a> {
    after: Option<&'a SessionId>,
    limit: usize,
    ids: BTreeSet<SessionId>,
}

impl<'a> Page<'a> {
    pub(crate) fn new(after: Option<&'a SessionId>, limit: usize) -> Self {
        Self { after, limit, ids: BTreeSet::new() }
    }

    pub(crate) fn offer(&mut self, id: SessionId) {
        if self.after.is_none_or(|after| id > *after) {
            self.ids.insert(id);
            if self.ids.len() > self.limit {
                self.ids.pop_last();
            }
        }
    }

    /// In ascending order.
    pub(crate) fn into_ids(self) -> BTreeSet<SessionId> {
        self.ids
    }
}

/// The ids that an index has shown for one page, time after time, until what was gone can't have moved.
///
/// An id is noted before its session lives under it. So of two that are noted one may be looked at too early and
/// the other too late. But whoever moves on needs a third: while no new one is noted, a session moves once at
/// most, and one of two looks in a row finds it.
#[derive(Default)]
pub(crate) struct Looks {
    shown: Vec<SessionId>,
    in_a_row: u32,
}

impl Looks {
    /// Whether another look at these is needed, after one that has missed some.
    pub(crate) fn again(&mut self, shown: Vec<SessionId>) -> bool {
        self.in_a_row = if shown == self.shown { self.in_a_row + 1 } else { 0 };
        self.shown = shown;
        self.in_a_row < 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_the_smallest_ids_behind_a_given_one() {
        let id = |text| SessionId::parse(text).unwrap();
        let after = id("b");
        let mut page = Page::new(Some(&after), 3);
        for text in ["g", "a", "d", "b", "e", "d", "c", "f"] {
            page.offer(id(text));
        }
        assert_eq!(page.into_ids().into_iter().collect::<Vec<_>>(), ["c", "d", "e"].map(id));
    }
}
