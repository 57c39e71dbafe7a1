//! Which page is next, given that no host is to be pestered: the best one among
//! those whose host may be asked now. Pure: the time is an argument.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, HashMap},
    time::Duration,
};

use tokio::time::Instant;

/// How soon a page is wanted: one that has been sent for before first, then
/// nearer to a seed, then linked from a page that says more, then found earlier.
/// The smallest comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    pub(super) is_new: bool,
    pub(super) depth: u16,
    pub(super) relevance: Reverse<u32>,
    pub(super) number: u32,
}

/// What can be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Fetch this page.
    Page(u32),
    /// Wait until then: all hosts that have pages want to be left alone.
    Wait(Instant),
    /// Wait for a page that is being fetched, or be done.
    Nothing,
}

/// How often a host may be asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// How many pages of a host at once.
    pub(super) at_once: usize,
    /// How long between the starts of two.
    pub(super) delay: Duration,
    /// How much longer a host may want it to be.
    pub(super) delay_max: Duration,
}

/// The pages that wait, by host.
#[derive(Debug)]
pub(super) struct Hosts {
    pace: Pace,
    ids: HashMap<String, usize>,
    known: Vec<Host>,
    /// The hosts that may be asked, by their best page.
    ready: BTreeSet<(Rank, usize)>,
    /// The hosts that want to be left alone, until then.
    resting: BinaryHeap<Reverse<(Instant, usize)>>,
}

#[derive(Debug)]
struct Host {
    pages: BinaryHeap<Reverse<Rank>>,
    in_flight: usize,
    delay: Duration,
    /// Not before.
    next: Option<Instant>,
    standing: Standing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Idle,
    Ready(Rank),
    Resting,
}

impl Hosts {
    pub(super) fn new(pace: Pace) -> Self {
        Self {
            pace,
            ids: HashMap::new(),
            known: Vec::new(),
            ready: BTreeSet::new(),
            resting: BinaryHeap::new(),
        }
    }

    /// Has a page wait for its host.
    pub(super) fn push(&mut self, host: &str, rank: Rank, now: Instant) {
        let id = self.id(host);
        self.known[id].pages.push(Reverse(rank));
        self.place(id, now);
    }

    /// The next page to be fetched; its host is asked with that. A new one only
    /// if there may be another.
    pub(super) fn next(&mut self, may_begin: bool, now: Instant) -> Next {
        while let Some(Reverse((until, id))) = self.resting.peek().copied() {
            // Nobody waits for a host that has no more pages.
            if now < until && !self.known[id].pages.is_empty() {
                break;
            }
            self.resting.pop();
            self.known[id].standing = Standing::Idle;
            self.place(id, now);
        }
        let best = self.ready.first().filter(|(rank, _)| may_begin || !rank.is_new);
        let Some((rank, id)) = best.copied() else {
            return self
                .resting
                .peek()
                .map_or(Next::Nothing, |Reverse((until, _))| Next::Wait(*until));
        };
        self.ready.remove(&(rank, id));
        let host = &mut self.known[id];
        host.standing = Standing::Idle;
        let Some(Reverse(rank)) = host.pages.pop() else { return self.next(may_begin, now) };
        host.in_flight += 1;
        host.next = (!host.delay.is_zero()).then(|| now + host.delay);
        self.place(id, now);
        Next::Page(rank.number)
    }

    /// A page of the host has been fetched, or not; how long the host wants to
    /// be left alone between two, if it says so; and how long now.
    pub(super) fn done(
        &mut self,
        host: &str,
        wanted: Option<Duration>,
        rest: Option<Duration>,
        now: Instant,
    ) {
        let id = self.id(host);
        let Pace { delay, delay_max, .. } = self.pace;
        let host = &mut self.known[id];
        host.in_flight = host.in_flight.saturating_sub(1);
        if let Some(wanted) = wanted {
            host.delay = delay.max(wanted.min(delay_max));
        }
        if let Some(rest) = rest {
            host.next = host.next.max(Some(now + rest));
        }
        self.place(id, now);
    }

    /// The pages that wait for the host. They wait no longer.
    pub(super) fn drain(&mut self, host: &str) -> Vec<u32> {
        let id = self.id(host);
        let pages = std::mem::take(&mut self.known[id].pages);
        if let Standing::Ready(rank) = self.known[id].standing {
            self.ready.remove(&(rank, id));
            self.known[id].standing = Standing::Idle;
        }
        pages.into_iter().map(|Reverse(it)| it.number).collect()
    }

    /// Puts the host where it belongs now. A host that rests goes on resting.
    fn place(&mut self, id: usize, now: Instant) {
        let host = &mut self.known[id];
        if let Standing::Ready(rank) = host.standing {
            self.ready.remove(&(rank, id));
            host.standing = Standing::Idle;
        }
        if host.standing == Standing::Resting || self.pace.at_once <= host.in_flight {
            return;
        }
        let Some(Reverse(best)) = host.pages.peek().copied() else { return };
        match host.next {
            Some(next) if now < next => {
                host.standing = Standing::Resting;
                self.resting.push(Reverse((next, id)));
            }
            _ => {
                host.standing = Standing::Ready(best);
                self.ready.insert((best, id));
            }
        }
    }

    fn id(&mut self, host: &str) -> usize {
        if let Some(id) = self.ids.get(host) {
            return *id;
        }
        let id = self.known.len();
        self.ids.insert(host.to_owned(), id);
        self.known.push(Host {
            pages: BinaryHeap::new(),
            in_flight: 0,
            delay: self.pace.delay,
            next: None,
            standing: Standing::Idle,
        });
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn hosts(at_once: usize, delay: Duration) -> Hosts {
        Hosts::new(Pace { at_once, delay, delay_max: 10 * SECOND })
    }

    fn rank(depth: u16, relevance: u32, number: u32) -> Rank {
        Rank { is_new: true, depth, relevance: Reverse(relevance), number }
    }

    #[test]
    fn near_pages_come_first_then_those_that_relevant_pages_link_to() {
        let (mut hosts, now) = (hosts(9, Duration::ZERO), Instant::now());
        for (host, rank) in [
            ("a", rank(2, 90, 0)),
            ("b", rank(1, 3, 1)),
            ("a", rank(1, 8, 2)),
            ("a", rank(1, 3, 3)),
            ("c", rank(0, 0, 4)),
        ] {
            hosts.push(host, rank, now);
        }
        let order: Vec<Next> = (0..6).map(|_| hosts.next(true, now)).collect();
        let pages = [4, 2, 1, 3, 0].map(Next::Page);
        assert_eq!(order, [&pages[..], &[Next::Nothing]].concat());
    }

    #[test]
    fn a_host_is_left_alone_for_as_long_as_it_is_to_be_and_others_go_ahead() {
        let (mut hosts, now) = (hosts(9, SECOND), Instant::now());
        for number in 0..3 {
            hosts.push("slow", rank(0, 0, number), now);
        }
        hosts.push("other", rank(5, 0, 9), now);
        assert_eq!(hosts.next(true, now), Next::Page(0));
        assert_eq!(hosts.next(true, now), Next::Page(9));
        assert_eq!(hosts.next(true, now), Next::Wait(now + SECOND));
        assert_eq!(hosts.next(true, now + SECOND), Next::Page(1));
        hosts.done("slow", Some(4 * SECOND), None, now + SECOND);
        assert_eq!(hosts.next(true, now + SECOND), Next::Wait(now + 2 * SECOND));
        assert_eq!(hosts.next(true, now + 2 * SECOND), Next::Page(2));
        hosts.push("slow", rank(0, 0, 4), now + 2 * SECOND);
        assert_eq!(hosts.next(true, now + 2 * SECOND), Next::Wait(now + 6 * SECOND));
        assert_eq!(hosts.next(true, now + 6 * SECOND), Next::Page(4));
    }

    #[test]
    fn a_host_may_not_want_to_be_left_alone_for_ever() {
        let (mut hosts, now) = (hosts(1, Duration::ZERO), Instant::now());
        hosts.push("a", rank(0, 0, 0), now);
        hosts.push("a", rank(0, 0, 1), now);
        hosts.push("a", rank(0, 0, 2), now);
        assert_eq!(hosts.next(true, now), Next::Page(0));
        hosts.done("a", Some(3_600 * SECOND), None, now);
        assert_eq!(hosts.next(true, now), Next::Page(1));
        hosts.done("a", None, None, now);
        assert_eq!(hosts.next(true, now), Next::Wait(now + 10 * SECOND));
    }

    #[test]
    fn a_host_that_wants_to_rest_is_left_alone_with_all_its_pages() {
        let (mut hosts, now) = (hosts(9, SECOND), Instant::now());
        for number in 0..4 {
            hosts.push("busy", rank(0, 0, number), now);
        }
        assert_eq!(hosts.next(true, now), Next::Page(0));
        hosts.done("busy", None, Some(60 * SECOND), now);
        hosts.push("busy", rank(0, 0, 0), now);
        assert_eq!(hosts.next(true, now + SECOND), Next::Wait(now + 60 * SECOND));
        assert_eq!(hosts.next(true, now + 60 * SECOND), Next::Page(0));
        assert_eq!(hosts.drain("busy").len(), 3);
        hosts.done("busy", None, Some(60 * SECOND), now + 60 * SECOND);
        assert_eq!(
            hosts.next(true, now + 60 * SECOND),
            Next::Nothing,
            "there is nothing to wait for"
        );
    }

    #[test]
    fn when_no_more_may_begin_those_that_have_begun_go_on_and_the_others_wait() {
        let (mut hosts, now) = (hosts(9, Duration::ZERO), Instant::now());
        let begun = |number| Rank { is_new: false, ..rank(7, 0, number) };
        for (host, rank) in [("a", rank(0, 0, 0)), ("b", begun(1)), ("b", rank(0, 0, 2))] {
            hosts.push(host, rank, now);
        }
        assert_eq!(hosts.next(false, now), Next::Page(1));
        assert_eq!(hosts.next(false, now), Next::Nothing);
        hosts.done("b", None, Some(SECOND), now);
        hosts.push("b", begun(1), now);
        assert_eq!(hosts.next(false, now), Next::Wait(now + SECOND));
        assert_eq!(hosts.next(true, now), Next::Page(0));
        assert_eq!(hosts.next(false, now + SECOND), Next::Page(1));
        assert_eq!(hosts.next(false, now + SECOND), Next::Nothing);
        assert_eq!(hosts.next(true, now + SECOND), Next::Page(2), "none is lost");
    }

    #[test]
    fn no_host_is_asked_for_more_at_once_than_may_be() {
        let (mut hosts, now) = (hosts(2, Duration::ZERO), Instant::now());
        for number in 0..4 {
            hosts.push("a", rank(0, 0, number), now);
        }
        assert_eq!(hosts.next(true, now), Next::Page(0));
        assert_eq!(hosts.next(true, now), Next::Page(1));
        assert_eq!(hosts.next(true, now), Next::Nothing);
        hosts.done("a", None, None, now);
        assert_eq!(hosts.next(true, now), Next::Page(2));
    }
}
