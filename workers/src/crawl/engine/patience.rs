//! How often a host that does not want to be asked now is asked again, and how
//! long it is left alone before. Pure: the time is an argument.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use crate::crawl::{corpus, web::Fault};

/// After how many rests, none of which has helped, a host is given up.
const RESTS_MAX: u32 = 5;

/// How long a host may rest in all, while an attempt lasts, whatever it gives in
/// between.
const REST_SUM_MAX: Duration = Duration::from_hours(1);

/// Which hosts have wanted to be left alone, and for which pages.
#[derive(Debug)]
pub(super) struct Patience {
    /// The first rest, unless the host says how long. Doubles each time.
    rest_first: Duration,
    rest_max: Duration,
    /// How often a page is asked for again.
    tries_max: u32,
    tries: HashMap<u32, u32>,
    resting: HashMap<String, Rests>,
    /// How long each has been left alone in all.
    rested: HashMap<String, Duration>,
    given_up: HashMap<String, Fault>,
}

/// How often in a row a host has wanted to be left alone.
#[derive(Debug)]
struct Rests {
    count: u32,
    /// Those who are told the same before are told of the same rest.
    until: Instant,
}

/// What to do about a page whose host wants to be left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advice {
    /// Leave the host alone, and ask for the page again.
    Again(Duration),
    /// Leave the host alone, and ask for its other pages only.
    Enough(Duration),
    /// Ask the host for nothing more.
    GiveUp,
}

impl Patience {
    pub(super) fn new(rest_first: Duration, rest_max: Duration, tries_max: u32) -> Self {
        Self {
            rest_first,
            rest_max,
            tries_max,
            tries: HashMap::new(),
            resting: HashMap::new(),
            rested: HashMap::new(),
            given_up: HashMap::new(),
        }
    }

    /// The host wants to be left alone, and has not given the page.
    pub(super) fn advice(
        &mut self,
        host: &str,
        number: u32,
        fault: &Fault,
        now: Instant,
    ) -> Advice {
        let tries = self.tries.entry(number).or_default();
        *tries += 1;
        let (again, rests) = (*tries <= self.tries_max, self.resting.get(host));
        let before = rests.map_or(0, |it| it.count);
        let left = rests.and_then(|it| it.until.checked_duration_since(now));
        let wait = fault.retry_after.unwrap_or(self.rest_first * 2_u32.pow(before));
        let rest = wait.min(self.rest_max).max(left.unwrap_or_default());
        let count = if left.is_some() { before } else { before + 1 };
        let rested = self.rested.get(host).copied().unwrap_or_default();
        let rested = rested + rest.saturating_sub(left.unwrap_or_default());
        if RESTS_MAX < count || REST_SUM_MAX < rested || self.given_up.contains_key(host) {
            self.given_up.entry(host.to_owned()).or_insert_with(|| of_others(fault));
            return Advice::GiveUp;
        }
        self.rested.insert(host.to_owned(), rested);
        self.resting.insert(host.to_owned(), Rests { count, until: now + rest });
        if again { Advice::Again(rest) } else { Advice::Enough(rest) }
    }

    /// The host has answered: what it wanted before is over.
    pub(super) fn answered(&mut self, host: &str, number: u32) {
        self.resting.remove(host);
        self.tries.remove(&number);
    }

    /// Why the host is asked for nothing more, if it is not.
    pub(super) fn given_up(&self, host: &str) -> Option<&Fault> {
        self.given_up.get(host)
    }
}

/// What is said of a host's other pages when it is given up: they have not been
/// visited.
fn of_others(fault: &Fault) -> Fault {
    if corpus::is_visited(&fault.error) {
        let message = format!("the host goes on wanting to be left alone: {}", fault.message);
        return Fault::new("host_given_up", message);
    }
    fault.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn fault(retry_after: Option<Duration>) -> Fault {
        Fault { retry_after, ..Fault::new("http_429", "not now") }
    }

    #[test]
    fn a_host_rests_longer_each_time_or_as_long_as_it_says_and_is_given_up_at_last() {
        let mut patience = Patience::new(SECOND, 10 * SECOND, 100);
        let mut now = Instant::now();
        let mut next = |patience: &mut Patience, retry_after| {
            let advice = patience.advice("a", 1, &fault(retry_after), now);
            now += 100 * SECOND;
            advice
        };
        assert_eq!(next(&mut patience, None), Advice::Again(SECOND));
        assert_eq!(next(&mut patience, None), Advice::Again(2 * SECOND));
        assert_eq!(next(&mut patience, Some(3 * SECOND)), Advice::Again(3 * SECOND));
        assert_eq!(next(&mut patience, Some(3_600 * SECOND)), Advice::Again(10 * SECOND));
        assert_eq!(next(&mut patience, None), Advice::Again(10 * SECOND));
        assert!(patience.given_up("a").is_none());
        assert_eq!(next(&mut patience, None), Advice::GiveUp);
        assert_eq!(patience.given_up("a").unwrap().error, "http_429");
        assert!(patience.given_up("b").is_none());
    }

    /// Must never: a host that holds a crawl for weeks.
    #[test]
    fn a_host_rests_for_an_hour_in_all_however_often_it_answers_in_between() {
        let mut patience = Patience::new(SECOND, 600 * SECOND, 100);
        let (mut now, mut rested) = (Instant::now(), Duration::ZERO);
        for number in 0..100 {
            match patience.advice("a", number, &fault(Some(600 * SECOND)), now) {
                Advice::Again(rest) => (now, rested) = (now + rest, rested + rest),
                other @ (Advice::Enough(_) | Advice::GiveUp) => {
                    assert_eq!((other, rested), (Advice::GiveUp, 3_600 * SECOND));
                    let others = patience.advice("b", 101, &fault(None), now);
                    assert_eq!(others, Advice::Again(SECOND), "each host has its own");
                    return;
                }
            }
            // Two that are told of one rest have rested once.
            let none = fault(Some(Duration::ZERO));
            let advice = patience.advice("a", number, &none, now - SECOND);
            assert_eq!(advice, Advice::Again(SECOND));
            patience.answered("a", number);
        }
        panic!("it is waited for still");
    }

    #[test]
    fn a_host_that_has_answered_is_asked_again_with_fresh_patience() {
        let (mut patience, now) = (Patience::new(SECOND, 10 * SECOND, 2), Instant::now());
        assert_eq!(patience.advice("a", 1, &fault(None), now), Advice::Again(SECOND));
        // Two that were under way together are told of one rest.
        assert_eq!(patience.advice("a", 2, &fault(None), now), Advice::Again(2 * SECOND));
        patience.answered("a", 2);
        assert_eq!(patience.advice("a", 1, &fault(None), now), Advice::Again(SECOND));
        assert_eq!(patience.advice("a", 1, &fault(None), now), Advice::Enough(2 * SECOND));
    }
}
