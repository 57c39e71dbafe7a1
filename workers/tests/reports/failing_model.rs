//! Models that fail: what becomes of the report, and of the next attempt.

use std::time::Duration;

use domain::{
    job::{Phase, ReportSpec, Writer, WriterChoice},
    report::Missing,
};

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

/// Must never: a plain success of which a model has left out what it was to
/// write.
#[tokio::test]
async fn a_field_that_a_model_failed_at_is_an_error_of_the_report() {
    let mut world = World::new().await;
    // A field is asked for twice.
    let model = Model::broken_when(|number| number < 3).await;
    world.start(Some(model.ollama.clone()));
    let spec = ReportSpec { writer: WriterChoice::Ollama, ..whole(&world).await };
    let job = world.request(spec, &input()).await;
    let (done, written) = completed(world.ended(job).await.1);
    assert_eq!((done.errors, written.writers), (1, vec![Writer::Ollama]));
    let fields = world.provenance(written.provenance.sha256).await.fields;
    let failed = fields.iter().filter(|it| it.missing == Some(Missing::WriterFailed));
    assert_eq!(failed.map(|it| &*it.key).collect::<Vec<_>>(), ["PROFESSION"]);
    world.stopped().await;
}

/// Must never: a model that is gone, and waited for once for each field.
#[tokio::test]
async fn nobody_waits_for_a_model_that_is_gone_and_what_it_wrote_is_kept() {
    let mut world = World::new().await;
    let model = Model::broken_from(3).await;
    world.start_leaving(Some(model.ollama.clone()), Duration::MAX);
    let spec = ReportSpec { writer: WriterChoice::Ollama, ..whole(&world).await };
    let job = world.request(spec, &input()).await;
    eventually("it fails", async || world.job(job).await.failures == 1).await;
    assert_eq!(world.job(job).await.last_error.unwrap().error_type, "writer_failed");
    assert_eq!(model.asked(), 2 + 3 * 2, "two fields, then three, each asked for twice");
    model.mend();
    world.start_scheduler();
    let (done, written) = completed(world.ended(job).await.1);
    assert_eq!(done.errors, 0);
    let fields = world.provenance(written.provenance.sha256).await.fields;
    let wrote: Vec<_> = fields.iter().filter(|it| it.writer.is_some()).collect();
    assert_eq!((&*wrote[0].value, wrote[0].missing), ("Réponse 1.", None));
    assert_eq!(model.asked(), wrote.len() + 3 * 2, "what was written is not asked for again");
    world.stopped().await;
}
