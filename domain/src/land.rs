//! The life of a land: a research project whose web pages are crawled.
//!
//! It holds what its crawls have in common: where they start, and the terms
//! that make a page relevant. A crawl copies these when it is asked for, so
//! that a later change of the land does not change its past.

mod command;
mod event;
mod sketch;

pub use command::{LandChange, LandCommand};
pub use event::{LandChanged, LandCreated, LandDeleted, LandEvent, LandTransferred};
pub use sketch::Sketch;

use serde::{Deserialize, Serialize};

use crate::{Actor, Context, Decider, Refusal, UserId, decode::Event, job::CrawlSpec};

/// A land, as the events so far have left it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Land {
    /// Nobody has made it yet.
    #[default]
    Absent,
    /// Somebody has.
    Present(Box<Present>),
    /// It is gone; its crawls are not.
    Deleted,
}

/// A land that there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Present {
    /// Whose it is.
    pub owner: UserId,
    /// What it is about.
    pub sketch: Sketch,
}

const NO_SUCH_LAND: Refusal = Refusal::NotFound { what: "land" };

impl Decider for Land {
    const CATEGORY: &'static str = "land";
    type Command = LandCommand;
    type Event = LandEvent;

    fn decide(&self, command: LandCommand, context: &Context) -> Result<Vec<LandEvent>, Refusal> {
        match (self, command) {
            (Self::Absent, LandCommand::CreateLand { owner, sketch }) => {
                if !context.actor.may_touch(owner) {
                    return Err(Refusal::Forbidden { rule: "lands are created for oneself" });
                }
                let sketch = sketch.tidied();
                sketch.check()?;
                Ok(vec![LandCreated { owner, sketch }.into()])
            }
            (Self::Present(_) | Self::Deleted, LandCommand::CreateLand { .. }) => {
                Err(Refusal::AlreadyExists)
            }
            (Self::Absent | Self::Deleted, _) => Err(NO_SUCH_LAND),
            (Self::Present(present), command) => {
                present.touched_by(&context.actor)?;
                present.decide(command, &context.actor)
            }
        }
    }

    fn own(event: Event) -> Option<LandEvent> {
        if let Event::Land(event) = event { Some(event) } else { None }
    }

    fn evolve(&mut self, event: &LandEvent, _: u64) {
        match (&mut *self, event) {
            (Self::Absent, LandEvent::LandCreated(it)) => {
                let LandCreated { owner, sketch } = it.clone();
                *self = Self::Present(Box::new(Present { owner, sketch }));
            }
            (Self::Present(present), LandEvent::LandChanged(it)) => present.sketch.change(it),
            (Self::Present(present), LandEvent::LandTransferred(it)) => present.owner = it.to,
            (Self::Present(_), LandEvent::LandDeleted(_)) => *self = Self::Deleted,
            (Self::Absent | Self::Deleted, _) | (Self::Present(_), LandEvent::LandCreated(_)) => {}
        }
    }

    fn weight(&self) -> usize {
        self.present().map_or(0, |it| size_of::<Present>() + it.sketch.weight())
    }
}

impl Land {
    /// The land, if there is one.
    pub fn present(&self) -> Option<&Present> {
        match self {
            Self::Absent | Self::Deleted => None,
            Self::Present(present) => Some(present),
        }
    }

    /// A crawl of this land: the land's start URLs, terms and languages come
    /// before those that the crawl brings itself.
    pub fn crawl(&self, asked: CrawlSpec, actor: &Actor) -> Result<CrawlSpec, Refusal> {
        let present = self.present().ok_or(NO_SUCH_LAND)?;
        present.touched_by(actor)?;
        let Sketch { start_urls, terms, languages, .. } = present.sketch.clone();
        Ok(CrawlSpec {
            seeds: sketch::joined(start_urls, asked.seeds),
            terms: sketch::joined(terms, asked.terms),
            languages: sketch::joined(languages, asked.languages),
            ..asked
        })
    }
}

impl Present {
    /// To those who may not see a land, it does not exist.
    fn touched_by(&self, actor: &Actor) -> Result<(), Refusal> {
        if actor.may_touch(self.owner) { Ok(()) } else { Err(NO_SUCH_LAND) }
    }

    fn decide(&self, command: LandCommand, actor: &Actor) -> Result<Vec<LandEvent>, Refusal> {
        match command {
            LandCommand::CreateLand { .. } => Err(Refusal::AlreadyExists),
            LandCommand::ChangeLand(change) => self.change(change),
            LandCommand::DeleteLand => Ok(vec![LandDeleted {}.into()]),
            LandCommand::TransferLand { from, .. } if from.is_some_and(|it| it != self.owner) => {
                Ok(Vec::new())
            }
            LandCommand::TransferLand { to, .. } => {
                actor.may_give(self.owner, to)?;
                Ok(vec![LandTransferred { to }.into()])
            }
        }
    }

    /// What is so already is not written down again.
    fn change(&self, change: LandChange) -> Result<Vec<LandEvent>, Refusal> {
        let changed = self.sketch.difference(change);
        if changed == LandChanged::default() {
            return Ok(Vec::new());
        }
        let mut sketch = self.sketch.clone();
        sketch.change(&changed);
        sketch.check()?;
        Ok(vec![changed.into()])
    }
}

#[cfg(test)]
mod tests;
