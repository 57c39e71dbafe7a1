//! Changes add up: a batch does to a row what its events do one after the
//! other, wherever the batch begins and ends.

use super::*;

type Row = Option<(Entry, Standing)>;

fn entry() -> Entry {
    Entry {
        service: ServiceName::crawl(),
        owner: UserId(Uuid::nil()),
        priority: 0,
        expires_at: Timestamp::default(),
    }
}

/// What the statement does to the row.
fn applied(row: Row, change: Option<Change>) -> Row {
    match (row, change) {
        (None, Some(Change::Insert(entry, standing)))
        | (Some((entry, _)), Some(Change::Update(standing))) => Some((entry, standing)),
        (Some(_), Some(Change::Delete)) => None,
        (row, None) => row,
        (row, change) => panic!("{change:?} of {row:?} fails or does nothing"),
    }
}

/// The life of one job.
fn life() -> Vec<Change> {
    vec![
        Change::Insert(entry(), waiting(Timestamp::default())),
        Change::Update(QUEUED),
        Change::Update(HELD),
        Change::Update(waiting(Timestamp::default())),
        Change::Update(HELD),
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
