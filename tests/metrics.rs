//! What a Prometheus is told, from the outside.

use anyhow::ensure;
use serde_json::json;

use crate::world::World;

/// Must never: a number that nobody can read, or that is never told.
#[tokio::test]
async fn every_number_comes_with_its_meaning_and_those_of_the_journal_do_come() -> anyhow::Result<()>
{
    let world = World::new().await?;
    let member = world.member("ann").await?;
    member.create_task("anything", json!({})).await?;
    let text = reqwest::get(format!("{}/metrics", world.base)).await?.text().await?;
    for line in text.lines().filter_map(|it| it.strip_prefix("# TYPE ")) {
        let name = line.split(' ').next().unwrap_or_default();
        ensure!(text.contains(&format!("# HELP {name} ")), "nobody says what {name} means");
    }
    for name in ["journal_events_total", "journal_append_seconds_count", "greffe_commands_total"] {
        ensure!(text.lines().any(|it| it.starts_with(name)), "{name} is not in\n{text}");
    }
    world.end().await
}
