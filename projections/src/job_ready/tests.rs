//! Changes add up: a batch does to a row what its events do one after the
//! other, wherever the batch begins and ends.

use super::*;

type Kept = Option<(Entry, Row)>;

fn entry() -> Entry {
    Entry {
        service: ServiceName::crawl(),
        owner: UserId(Uuid::nil()),
        priority: 0,
        expires_at: Timestamp::default(),
    }
}

/// What the statement does to the row.
fn applied(row: Kept, change: Option<Change>) -> Kept {
    match (row, change) {
        (None, Some(Change::Insert(entry, row))) => Some((entry, row)),
        (Some((entry, row)), Some(Change::Update(update))) => Some((entry, row.after(update))),
        (Some(_), Some(Change::Delete)) => None,
        (row, None) => row,
        (row, change) => panic!("{change:?} of {row:?} fails or does nothing"),
    }
}

fn pause(paused: bool) -> Change {
    Change::Update(Update { standing: None, paused: Some(paused) })
}

/// The life of one job.
fn life() -> Vec<Change> {
    let scheduled = Row { standing: waiting(Timestamp::default()), paused: false };
    vec![
        Change::Insert(entry(), scheduled),
        pause(true),
        stands(QUEUED),
        pause(false),
        stands(HELD),
        pause(true),
        stands(waiting(Timestamp::default())),
        pause(false),
        stands(HELD),
        Change::Delete,
    ]
}

#[test]
fn a_batch_does_what_its_events_do_one_by_one() {
    let life = life();
    for start in 0..life.len() {
        for end in start..=life.len() {
            let one_by_one = |until: usize| {
                life[..until].iter().fold(None, |row, it| applied(row, Some(it.clone())))
            };
            let sum = life[start..end].iter().fold(None, |sum, it| add(sum, it.clone()));
            assert_eq!(applied(one_by_one(start), sum), one_by_one(end), "{start}..{end}");
        }
    }
}
