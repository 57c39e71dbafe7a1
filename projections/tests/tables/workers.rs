//! Who holds, or has held, leases.

use domain::WorkerId;
use projections::kept::workers::Registration;
use uuid::Uuid;

use super::world::{ANN, BOB, World};

const TOKEN: Uuid = Uuid::from_u128(9);

fn registration(instance: &str, name: &str) -> Registration {
    Registration {
        instance_key: instance.to_owned(),
        token: TOKEN,
        name: name.to_owned(),
        host: Some("here".to_owned()),
        pid: Some(7),
        sdk: None,
        services: vec!["checksum".to_owned()],
        slots: 2,
    }
}

#[tokio::test]
async fn a_process_that_registers_again_keeps_its_name() {
    let world = World::new().await;
    let reader = &world.reader;
    let first = reader.register_worker(ANN, &registration("a", "one")).await.unwrap();
    reader.left_worker(ANN).await.unwrap();
    let again = reader.register_worker(BOB, &registration("a", "two")).await.unwrap();
    assert_eq!((first, again), (ANN, ANN));
    let row = reader.seen_worker(ANN, TOKEN).await.unwrap().unwrap();
    assert_eq!((row.name.as_str(), row.slots, row.left_at), ("two", 2, None));
    let other = reader.register_worker(BOB, &registration("b", "three")).await.unwrap();
    assert_eq!(other, BOB);
}

#[tokio::test]
async fn a_worker_is_known_with_its_token_alone() {
    let world = World::new().await;
    world.reader.register_worker(ANN, &registration("a", "one")).await.unwrap();
    assert!(world.reader.seen_worker(ANN, Uuid::nil()).await.unwrap().is_none());
    assert!(world.reader.seen_worker(BOB, TOKEN).await.unwrap().is_none());

    let seen = world.reader.seen_worker(ANN, TOKEN).await.unwrap().unwrap();
    assert!(seen.registered_at < seen.last_seen_at);
}

#[tokio::test]
async fn workers_are_listed_those_first_that_were_heard_of_last() {
    let world = World::new().await;
    let ids: Vec<WorkerId> = (1..=3).map(|it| WorkerId(Uuid::from_u128(it))).collect();
    for id in &ids {
        let it = registration(&id.to_string(), "w");
        world.reader.register_worker(*id, &it).await.unwrap();
    }
    world.reader.seen_worker(ids[0], TOKEN).await.unwrap();
    world.reader.left_worker(ids[1]).await.unwrap();
    let listed = world.reader.workers(2).await.unwrap();
    let listed: Vec<Uuid> = listed.into_iter().map(|it| it.worker).collect();
    assert_eq!(listed, [ids[0].0, ids[2].0]);
    let found = world.reader.workers_by_id(&[ids[1], ANN]).await.unwrap();
    assert_eq!(found.iter().map(|it| it.worker).collect::<Vec<_>>(), [ids[1].0]);
    assert!(found[0].left_at.is_some());
}
