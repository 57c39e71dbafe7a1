//! How far a report has come, as it is told.

use domain::job::{JobEvent, Progress};

use super::{
    completed, input,
    model::Model,
    whole,
    world::{World, eventually},
};

/// The fields that a model is asked for, in the order of the template.
const ASKED: [&str; 8] = [
    "PROFESSION",
    "LANGUE_ANGLAIS",
    "TEST_ATTENTION",
    "FORMATION",
    "STAGE",
    "POINTS_FORTS",
    "OBSTACLES",
    "CONCLUSION",
];

/// Must never: progress that never moves, or moves back.
#[tokio::test]
async fn a_report_says_which_field_it_is_at_and_ends_at_its_total() {
    let mut world = World::new().await;
    let model = Model::answering(0).await;
    world.start(Some(model.ollama.clone()));
    let job = world.request(whole(&world).await, &input()).await;
    let steps = async || -> Vec<Progress> {
        let events = world.events(job).await.into_iter();
        let step = |it| if let JobEvent::ProgressReported(it) = it { it.progress } else { None };
        events.filter_map(step).collect()
    };
    for key in ASKED {
        let at_it = async || {
            let last = steps().await.pop();
            last.and_then(|it| it.message).as_deref() == Some(key)
        };
        eventually(key, at_it).await;
        model.answer(1);
    }
    let (_, written) = completed(world.ended(job).await.1);
    let fields = world.provenance(written.provenance.sha256).await.fields;
    let asked: Vec<&str> =
        fields.iter().filter(|it| it.writer.is_some()).map(|it| it.key.as_str()).collect();
    assert_eq!(asked, ASKED);

    let steps = steps().await;
    let total = fields.len() as u64;
    assert!(steps.iter().all(|it| it.total == Some(total)), "{steps:?}");
    assert!(steps.is_sorted_by_key(|it| it.done), "{steps:?}");
    for (at, field) in fields.iter().enumerate() {
        let of = |it: &&Progress| it.message.as_deref() == Some(&*field.key);
        let told: Vec<u64> = steps.iter().filter(of).map(|it| it.done).collect();
        assert!(told.iter().all(|it| *it == at as u64), "{}: {steps:?}", field.key);
        assert!(!told.is_empty() || field.writer.is_none(), "{}: {steps:?}", field.key);
    }
    let last = steps.last().unwrap();
    assert_eq!((last.done, last.message.as_deref()), (total, Some("the document")));
    world.stopped().await;
}
