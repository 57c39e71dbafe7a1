//! Given, when, then.

use std::fmt::Debug;

use crate::{Context, Decider, Refusal};

/// Rebuilds the state that `history` has led to.
pub fn replay<'a, D: Decider>(history: impl IntoIterator<Item = &'a D::Event>) -> D
where
    D::Event: 'a,
{
    let mut state = D::default();
    for (event, version) in history.into_iter().zip(1..) {
        state.evolve(event, version);
    }
    state
}

/// Starts a story from what has already happened.
pub fn given<D: Decider>(history: impl IntoIterator<Item = D::Event>) -> Given<D> {
    let history: Vec<D::Event> = history.into_iter().collect();
    Given(replay(&history))
}

/// A state to ask something of.
pub struct Given<D>(D);

/// An answer to check.
pub struct Answer<D: Decider>(Result<Vec<D::Event>, Refusal>);

impl<D: Decider> Given<D> {
    /// Asks.
    #[must_use]
    pub fn when(self, command: D::Command, context: &Context) -> Answer<D> {
        Answer(self.0.decide(command, context))
    }
}

impl<D: Decider> Answer<D>
where
    D::Event: Debug + PartialEq,
{
    /// Expects exactly these events.
    #[track_caller]
    pub fn then<const N: usize>(self, events: [D::Event; N]) {
        assert_eq!(self.0, Ok(Vec::from(events)));
    }

    /// Expects no for an answer.
    #[track_caller]
    pub fn refused(self, why: &Refusal) {
        assert_eq!(self.0.as_ref(), Err(why));
    }
}
