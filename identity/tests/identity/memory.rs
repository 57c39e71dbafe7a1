//! A ledger that forgets when it is dropped, and breaks down as it is told to.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use async_trait::async_trait;
use identity::{
    Entry, Happening, Identity, IdentityError, Ledger, Refusal, Registration, Subject, Told,
};

/// A ledger in memory. Of the rules it knows that one registers once.
#[derive(Default)]
pub(crate) struct Memory {
    told: Mutex<HashMap<Subject, Vec<Told>>>,
    trouble: Mutex<Option<Trouble>>,
    /// Another process, which lets everything take effect as soon as it is
    /// recorded.
    faster: OnceLock<Identity>,
}

/// What goes wrong the next time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The process dies before anything is recorded.
    DiesBefore,
    /// It is recorded, then the process dies.
    DiesAfter,
    /// The rules say no.
    Refuses,
}

impl Memory {
    pub(crate) fn brew(&self, trouble: Trouble) {
        *self.trouble.lock().unwrap() = Some(trouble);
    }

    /// From now on another process is faster than whoever records.
    pub(crate) fn outrun(&self, by: Identity) {
        self.faster.set(by).unwrap();
    }

    pub(crate) fn of(&self, subject: Subject) -> Vec<Happening> {
        let told = self.told.lock().unwrap();
        told.get(&subject).into_iter().flatten().map(|it| it.what.clone()).collect()
    }

    fn written(&self, entry: Entry) -> Result<(), IdentityError> {
        let trouble = self.trouble.lock().unwrap().take();
        match trouble {
            Some(Trouble::DiesBefore) => return Err(Self::died()),
            Some(Trouble::Refuses) => return Err(Self::refusal().into()),
            Some(Trouble::DiesAfter) | None => {}
        }
        let mut told = self.told.lock().unwrap();
        let told = told.entry(entry.subject).or_default();
        let is_there = told.iter().any(|it| matches!(it.what, Happening::Registered { .. }));
        if let Happening::Registered { by, .. } = &entry.what
            && is_there
        {
            let code = "ALREADY_EXISTS";
            assert_ne!(*by, Registration::First, "the first admin is looked for first");
            let message = "the id is taken".to_owned();
            return Err(Refusal::NotRecorded { code, field: None, message }.into());
        }
        let version = told.len() as u64 + 1;
        told.push(Told { version, at: entry.at, what: entry.what });
        if trouble.is_some() { Err(Self::died()) } else { Ok(()) }
    }

    fn died() -> IdentityError {
        IdentityError::Broken("the process has died".into())
    }

    fn refusal() -> Refusal {
        let message = "the rules say no".to_owned();
        Refusal::NotRecorded { code: "FORBIDDEN", field: None, message }
    }
}

#[async_trait]
impl Ledger for Memory {
    async fn record(&self, entry: Entry) -> Result<(), IdentityError> {
        let subject = entry.subject;
        self.written(entry)?;
        if let Some(faster) = self.faster.get() {
            faster.follow(subject).await?;
        }
        Ok(())
    }

    async fn after(&self, subject: Subject, version: u64) -> Result<Vec<Told>, IdentityError> {
        let told = self.told.lock().unwrap();
        let told = told.get(&subject).into_iter().flatten();
        Ok(told.filter(|it| version < it.version).cloned().collect())
    }
}
