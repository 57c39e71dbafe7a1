//! Models that fail: what becomes of the report, and of the next attempt.

use domain::job::{Phase, ReportSpec, WriterChoice};

use super::{
    completed, input,
    model::Model,
    whole,
    world::{World, eventually},
};

/// Must never: a success in which the model has written nothing at all.
#[tokio::test]
async fn a_report_of_which_a_model_wrote_nothing_is_no_success() {
    let mut world = World::new().await;
    let model = Model::broken_from(1).await;
    world.start(Some(model.ollama.clone()));
    let spec = ReportSpec { writer: WriterChoice::Ollama, ..whole(&world).await };
    let job = world.request(spec, &input()).await;
    eventually("it fails", async || world.job(job).await.failures == 1).await;
    let state = world.job(job).await;
    assert_eq!(state.last_error.unwrap().error_type, "writer_failed");
    assert!(matches!(state.phase, Phase::Retrying { .. }));
    // What it could not write is asked for again.
    model.mend();
    world.start_scheduler();
    let (state, last) = world.ended(job).await;
    assert_eq!((state.phase, state.failures), (Phase::Succeeded, 1), "{:?}", state.last_error);
    assert_eq!(completed(last).0.errors, 0);
    world.stopped().await;
}
