//! What attempts leave for the next one, and that it does not stay.

use std::time::Duration;

use artifacts::Subject;
use domain::{
    JobId,
    artifact::Sha256,
    job::{JobEvent, Phase},
};

use super::{
    input,
    model::Model,
    whole,
    world::{World, eventually},
};

/// What has been left so far, first to last.
async fn left(world: &World, job: JobId) -> Vec<Sha256> {
    let events = world.events(job).await;
    let left = events.iter().filter_map(|it| {
        if let JobEvent::ProgressReported(it) = it {
            it.checkpoint.clone()
        } else if let JobEvent::LeaseReleased(it) = it {
            it.checkpoint.clone()
        } else {
            None
        }
    });
    left.map(|it| serde_json::from_value(it["fields"].clone()).unwrap()).collect()
}

async fn kept(world: &World, job: JobId, file: Sha256) -> bool {
    world.files.refers(Subject::Job(job.0), &file.bytes()).await.unwrap()
}

/// Must never: texts of people in files that nobody sees, and that stay.
#[tokio::test]
async fn what_an_attempt_has_left_goes_when_nobody_goes_on_from_it_any_more() {
    let mut world = World::new().await;
    let model = Model::answering(1).await;
    world.start_leaving(Some(model.ollama.clone()), Duration::ZERO);
    world.start_keeper();
    let job = world.request(whole(&world).await, &input()).await;
    eventually("the second field is asked for", async || model.asked() == 2).await;
    eventually("something is left", async || !left(&world, job).await.is_empty()).await;
    let first = left(&world, job).await[0];
    model.answer(1);
    eventually("the third field is asked for", async || model.asked() == 3).await;
    assert!(world.pause(job).await, "it is given back");
    let last = *left(&world, job).await.last().unwrap();
    assert_ne!(first, last);
    eventually("the first is let go of", async || !kept(&world, job, first).await).await;
    assert!(kept(&world, job, last).await, "one can go on from it");
    model.answer(100);
    world.resume(job).await;
    let (state, _) = world.ended(job).await;
    assert_eq!(state.phase, Phase::Succeeded);
    for file in left(&world, job).await {
        eventually("all are let go of", async || !kept(&world, job, file).await).await;
    }
    world.stopped().await;
}
