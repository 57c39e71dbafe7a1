//! How many items of a list one gets, and where they start.

use std::{fmt::Display, str::FromStr};

use async_graphql::SimpleObject;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use projections::job_list::{JobOrder, Paging};

use super::fault::{Fault, Result};

/// How many one gets without asking.
const FIRST: i32 = 50;

/// How many one may ask for.
const FIRST_MAX: i32 = 100;

/// Where a page stands among the others.
#[derive(SimpleObject)]
pub(super) struct PageInfo {
    /// Whether there are items before these. Exact where one pages backwards; else whether one came
    /// from there.
    pub(super) has_previous_page: bool,
    /// Whether there are items after these. Exact where one pages forwards; else whether one came
    /// from there.
    pub(super) has_next_page: bool,
    /// The cursor of the first item; null if there is none.
    pub(super) start_cursor: Option<String>,
    /// The cursor of the last item; null if there is none.
    pub(super) end_cursor: Option<String>,
}

impl PageInfo {
    /// Of a part of a list through which one goes forwards only.
    pub(super) fn forwards<T>(
        items: &[T],
        cursor: impl Fn(&T) -> String,
        (after, more): (bool, bool),
    ) -> Self {
        Self {
            has_previous_page: after,
            has_next_page: more,
            start_cursor: items.first().map(&cursor),
            end_cursor: items.last().map(&cursor),
        }
    }
}

/// Which part of a list one wants, as Relay asks for it.
pub(super) struct Page {
    pub(super) first: Option<i32>,
    pub(super) after: Option<String>,
    pub(super) last: Option<i32>,
    pub(super) before: Option<String>,
}

/// How many one gets, within what one may ask for.
pub(super) fn limit(argument: &'static str, asked: Option<i32>) -> Result<u32> {
    let limit =
        u32::try_from(asked.unwrap_or(FIRST)).ok().filter(|it| *it <= FIRST_MAX.cast_unsigned());
    limit.ok_or_else(|| Fault::bad_input(argument, format!("between 0 and {FIRST_MAX}")))
}

/// How often what stands inside a list may be asked for, for the price of a document.
pub(super) fn count(first: Option<i32>, last: Option<i32>) -> usize {
    let asked = first.or(last).unwrap_or(FIRST).clamp(1, FIRST_MAX);
    usize::try_from(asked).unwrap_or(1)
}

impl Page {
    pub(super) fn paging(&self, order: JobOrder) -> Result<Paging> {
        let from_end = match (self.first, self.last) {
            (Some(_), Some(_)) => {
                return Err(Fault::bad_input("last", "not together with `first`"));
            }
            (_, last) => last.is_some(),
        };
        let limit = if from_end { limit("last", self.last)? } else { limit("first", self.first)? };
        let read = |argument, text: &Option<String>| {
            text.as_deref().map(|it| place(argument, it, order)).transpose()
        };
        let after = read("after", &self.after)?;
        let before = read("before", &self.before)?;
        Ok(Paging { limit, after, before, from_end })
    }
}

/// What stands for a place in one order, and is of no use in another.
pub(super) fn cursor(place: u64, order: JobOrder) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}{place}", letter(order)))
}

fn place(argument: &'static str, cursor: &str, order: JobOrder) -> Result<u64> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    let text = bytes.and_then(|it| String::from_utf8(it).ok());
    let place = text.as_deref().and_then(|it| it.strip_prefix(letter(order))?.parse().ok());
    place.ok_or_else(|| Fault::bad_input(argument, "a cursor of this list, in this order"))
}

/// What stands for a place in a list of one kind, and is of no use in another.
pub(super) fn sealed(kind: char, place: impl Display) -> String {
    URL_SAFE_NO_PAD.encode(format!("{kind}{place}"))
}

/// The place that [`sealed`] made this of.
pub(super) fn opened<T: FromStr>(argument: &'static str, kind: char, cursor: &str) -> Result<T> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    let text = bytes.and_then(|it| String::from_utf8(it).ok());
    let place = text.as_deref().and_then(|it| it.strip_prefix(kind)?.parse().ok());
    place.ok_or_else(|| Fault::bad_input(argument, "a cursor of this list"))
}

fn letter(order: JobOrder) -> char {
    match order {
        JobOrder::Newest => 'n',
        JobOrder::Oldest => 'o',
        JobOrder::LastChanged => 'c',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDERS: [JobOrder; 3] = [JobOrder::Newest, JobOrder::Oldest, JobOrder::LastChanged];

    #[test]
    fn a_cursor_holds_in_its_own_order_only() {
        for order in ORDERS {
            for other in ORDERS {
                let read = place("after", &cursor(42, order), other);
                assert_eq!(read.ok(), (order == other).then_some(42));
            }
        }
    }

    #[test]
    fn a_cursor_holds_in_lists_of_its_own_kind_only() {
        assert_eq!(opened("after", 'p', &sealed('p', 7)), Ok(7));
        assert!(opened::<u64>("after", 'l', &sealed('p', 7)).is_err());
        assert!(opened::<u64>("after", 'p', "p7").is_err());
    }

    #[test]
    fn what_was_never_a_cursor_is_refused_without_an_explanation_of_ours() {
        for text in ["", "n", "====", "bjQy=", "\u{0}", "bi00Mg"] {
            let refused = place("after", text, JobOrder::Newest);
            let fault = Fault::bad_input("after", "a cursor of this list, in this order");
            assert_eq!(refused, Err(fault), "{text:?}");
        }
    }

    #[test]
    fn a_page_has_a_length_that_one_may_ask_for() {
        assert_eq!(limit("first", None), Ok(50));
        assert_eq!(limit("first", Some(0)), Ok(0));
        assert_eq!(limit("first", Some(100)), Ok(100));
        assert!(limit("first", Some(101)).is_err());
        assert!(limit("first", Some(-1)).is_err());
    }
}
