//! What becomes of commands is counted, whoever turned them down.

use metrics_exporter_prometheus::PrometheusBuilder;

use super::world::*;
use crate::{Command, Wishes};

#[tokio::test]
async fn each_command_is_counted_once_by_what_came_of_it() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _counting = metrics::set_default_local_recorder(&recorder);
    let world = World::new().created().await;
    // Refused by the list of who may ask, by the services, by the job, and by
    // the lease of another.
    refused(world.job(complete(1), user(OWNER)).await);
    let (service, body) = ("dream".to_owned(), Value::Null);
    let unknown = Command::CreateTask { id: JOB, service, body, wishes: Wishes::default() };
    refused(world.commands.execute(unknown, user(OWNER)).await);
    refused(world.job(lose(1), rescuer()).await);
    world.granted().await;
    assert!(world.commands.grant(JOB, BOB, None, &worker(BOB)).await.unwrap().is_none());
    refused(world.commands.grant(JOB, BOB, None, &user(OWNER)).await);
    let text = recorder.handle().render();
    let mut counts: Vec<&str> =
        text.lines().filter(|it| it.starts_with("greffe_commands_total{")).collect();
    counts.sort_unstable();
    expect_test::expect![[r#"
        greffe_commands_total{command="CompleteTask",outcome="refused"} 1
        greffe_commands_total{command="CreateTask",outcome="accepted"} 1
        greffe_commands_total{command="CreateTask",outcome="refused"} 1
        greffe_commands_total{command="ExpireLease",outcome="refused"} 1
        greffe_commands_total{command="GrantLease",outcome="accepted"} 1
        greffe_commands_total{command="GrantLease",outcome="refused"} 2"#]]
    .assert_eq(&counts.join("\n"));
}
