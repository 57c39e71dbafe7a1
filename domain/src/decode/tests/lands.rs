//! Every event of lands, with every optional field, and with none.

use uuid::Uuid;

use super::Event;
use crate::{
    UserId,
    land::{LandChanged, LandCreated, LandDeleted, LandTransferred, Sketch},
};

pub(super) fn lands() -> Vec<Event> {
    let owner = UserId(Uuid::from_u128(1));
    let list = |text: &str| vec![text.to_owned()];
    let full = Sketch {
        name: "Rivers".into(),
        description: "Who speaks of rivers".into(),
        languages: list("fr"),
        terms: list("rivière"),
        start_urls: list("https://rivers.example/"),
    };
    let plain = Sketch { name: "Rivers".into(), ..Sketch::default() };
    let changed = LandChanged {
        name: Some("Lakes".into()),
        description: Some(String::new()),
        languages: Some(Vec::new()),
        terms_added: list("lac"),
        terms_removed: list("rivière"),
        start_urls_added: list("https://lakes.example/"),
        start_urls_removed: list("https://rivers.example/"),
    };
    let lands = [
        LandCreated { owner, sketch: full }.into(),
        LandCreated { owner, sketch: plain }.into(),
        changed.into(),
        LandChanged::default().into(),
        LandTransferred { to: owner }.into(),
        LandDeleted {}.into(),
    ];
    lands.into_iter().map(Event::Land).collect()
}
