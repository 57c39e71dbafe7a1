//! Lists of jobs: pages, filters, and reading what one has written.

use serde_json::{Value, json};

use super::world::{Person, World, codes};

const PAGE: &str = "query($filter: JobFilter, $orderBy: JobOrder, $first: Int, $after: String,
        $last: Int, $before: String) {
    jobs(filter: $filter, orderBy: $orderBy, first: $first, after: $after,
         last: $last, before: $before) {
        totalCount
        nodes { id }
        edges { cursor node { id } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
}";

async fn page(world: &World, who: &Person, variables: Value) -> Value {
    world.data(who, PAGE, variables).await["jobs"].take()
}

fn ids(page: &Value) -> Vec<String> {
    let nodes = page["nodes"].as_array().unwrap();
    let ids: Vec<String> = nodes.iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect();
    let edges = page["edges"].as_array().unwrap().iter();
    let same: Vec<&str> = edges.map(|it| it["node"]["id"].as_str().unwrap()).collect();
    assert_eq!(ids, same, "edges and nodes are the same jobs");
    ids
}

#[tokio::test]
async fn all_pages_together_are_the_list_in_either_direction() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let mut created = Vec::new();
    for _ in 0..7 {
        created.push(world.task(&ada).await.to_string());
    }
    world.settled().await;
    let newest: Vec<String> = created.iter().rev().cloned().collect();
    for (order, expected) in [("NEWEST", &newest), ("OLDEST", &created), ("LAST_CHANGED", &newest)]
    {
        let mut forwards = Vec::new();
        let mut after = Value::Null;
        loop {
            let variables = json!({ "orderBy": order, "first": 3, "after": after });
            let page = page(&world, &ada, variables).await;
            assert_eq!(page["totalCount"], 7);
            assert_eq!(page["pageInfo"]["hasPreviousPage"], !after.is_null());
            forwards.extend(ids(&page));
            after = page["pageInfo"]["endCursor"].clone();
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        assert_eq!(&forwards, expected, "{order}, forwards");

        let mut backwards = Vec::new();
        let mut before = Value::Null;
        loop {
            let variables = json!({ "orderBy": order, "last": 3, "before": before });
            let page = page(&world, &ada, variables).await;
            assert_eq!(page["pageInfo"]["hasNextPage"], !before.is_null());
            backwards.splice(0..0, ids(&page));
            before = page["pageInfo"]["startCursor"].clone();
            if page["pageInfo"]["hasPreviousPage"] == false {
                break;
            }
        }
        assert_eq!(&backwards, expected, "{order}, backwards");
    }
}

#[tokio::test]
async fn a_list_is_of_the_jobs_that_match_and_are_to_be_seen() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let bob = world.person("bob", identity::Role::Member).await;
    let olga = world.person("olga", identity::Role::Operator).await;
    let (queued, running) = (world.task(&ada).await.to_string(), world.task(&ada).await);
    world.lease(running).await;
    let running = running.to_string();
    let bobs = world.task(&bob).await.to_string();
    world.settled().await;
    let listed = async |who: &Person, filter: Value| {
        ids(&page(&world, who, json!({ "filter": filter, "orderBy": "OLDEST" })).await)
    };
    assert_eq!(listed(&ada, json!({})).await, [queued.as_str(), &running]);
    assert_eq!(listed(&olga, json!({})).await, [queued.as_str(), &running, &bobs]);
    assert_eq!(listed(&olga, json!({ "owner": bob.id })).await, [bobs.as_str()]);
    assert_eq!(listed(&ada, json!({ "states": ["RUNNING"] })).await, [running.as_str()]);
    assert_eq!(listed(&ada, json!({ "states": [] })).await, [""; 0]);
    assert_eq!(listed(&ada, json!({ "services": ["scan"] })).await, [""; 0]);
    assert_eq!(listed(&ada, json!({ "kinds": ["TASK"] })).await.len(), 2);
    assert_eq!(listed(&ada, json!({ "kinds": ["CRAWL", "REPORT"] })).await, [""; 0]);
    assert_eq!(listed(&ada, json!({ "createdBefore": "2001-01-01T00:00:00Z" })).await, [""; 0]);
    assert_eq!(listed(&ada, json!({ "createdFrom": "2001-01-01T00:00:00Z" })).await.len(), 2);
    assert_eq!(listed(&ada, json!({ "withErrors": true })).await, [""; 0]);
}

#[tokio::test]
async fn what_cannot_be_a_page_is_refused_by_the_name_of_the_argument() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let cases = [
        (json!({ "first": 101 }), "first"),
        (json!({ "first": -1 }), "first"),
        (json!({ "last": 101 }), "last"),
        (json!({ "first": 1, "last": 1 }), "last"),
        (json!({ "after": "nonsense" }), "after"),
        (json!({ "before": "nonsense" }), "before"),
        (json!({ "filter": { "services": ["No Such Name"] } }), "filter"),
        (json!({ "filter": { "owner": "somebody" } }), "filter"),
    ];
    for (variables, argument) in cases {
        let answer = world.ask(&ada, PAGE, variables.clone()).await;
        assert_eq!(codes(&answer), ["BAD_USER_INPUT"], "{variables}: {answer}");
        assert_eq!(answer["errors"][0]["extensions"]["argument"], argument, "{answer}");
    }
}

#[tokio::test]
async fn a_list_waits_for_the_position_that_it_must_show_at_least() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let job = world.task(&ada).await;
    let fence = world.lease(job).await;
    let position = world.progress(job, fence, 7).await;
    let text = "query($at: Position!) { jobs(atLeast: $at) { position nodes { position } } }";
    let data = world.data(&ada, text, json!({ "at": position.to_string() })).await;
    assert_eq!(data["jobs"]["nodes"][0]["position"], position.to_string());
    assert_eq!(data["jobs"]["position"], position.to_string());
}

#[tokio::test]
async fn a_position_that_is_not_reached_in_time_is_an_error_that_says_how_far_one_has_come() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    world.task(&ada).await;
    world.settled().await;
    let text = "query($at: Position!) { jobs(atLeast: $at) { position } }";
    let head = world.head().await;
    let (current, next) = (head.to_string(), (head + 1).to_string());
    let late = world.ask(&ada, text, json!({ "at": next })).await;
    let expected = json!({ "code": "POSITION_NOT_REACHED", "required": next, "current": current });
    assert_eq!(late["errors"][0]["extensions"], expected);
    let absurd = world.ask(&ada, text, json!({ "at": "999999999999" })).await;
    let expected =
        json!({ "code": "POSITION_OUT_OF_RANGE", "required": "999999999999", "current": current });
    assert_eq!(absurd["errors"][0]["extensions"], expected);
    let nonsense = world.ask(&ada, text, json!({ "at": "soon" })).await;
    assert_eq!(codes(&nonsense), ["BAD_USER_INPUT"]);
}

/// Subscribing after the position of a list tells whatever happens after the list was read.
#[tokio::test]
async fn the_position_of_a_list_is_never_beyond_what_the_list_shows() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let job = world.task(&ada).await;
    let fence = world.lease(job).await;
    let text = "{ jobs { position nodes { position } } }";
    for done in 0..20 {
        world.progress(job, fence, done).await;
        let data = world.data(&ada, text, json!({})).await;
        let number = |it: &Value| it.as_str().unwrap().parse::<u64>().unwrap();
        let (list, row) = (&data["jobs"]["position"], &data["jobs"]["nodes"][0]["position"]);
        assert!(number(list) <= number(row), "{data}");
    }
}

#[tokio::test]
async fn a_service_tells_how_much_there_is_to_do() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    world.task(&ada).await;
    let running = world.task(&ada).await;
    world.lease(running).await;
    let text =
        "{ services { name queued waiting running schema expiryMs policy { attemptsMax } } }";
    let data = world.data(&ada, text, json!({})).await;
    let services = data["services"].as_array().unwrap();
    let counts = |it: &Value| json!([it["name"], it["queued"], it["waiting"], it["running"]]);
    assert_eq!(counts(&services[0]), json!(["anything", 1, 0, 1]));
    assert_eq!(counts(&services[1]), json!(["scan", 0, 0, 0]));
    assert_eq!(services[0]["schema"], Value::Null);
    assert_eq!(services[1]["schema"]["required"], json!(["pages"]));
    assert_eq!(services[1]["expiryMs"], 3_600_000);
    assert_eq!(services[1]["policy"]["attemptsMax"], 3);
}

/// So many lists of events in each job.
fn lists_in_jobs(count: usize, first: usize) -> String {
    let lists: Vec<String> =
        (0..count).map(|it| format!("e{it}: events(first: {first}) {{ id }}")).collect();
    format!("{{ jobs {{ nodes {{ {} }} }} }}", lists.join(" "))
}

#[tokio::test]
async fn the_lists_of_one_answer_cost_only_so_much_together() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    for _ in 0..4 {
        world.task(&ada).await;
    }
    world.settled().await;
    let answer = world.ask(&ada, &lists_in_jobs(45, 100), json!({})).await;
    assert!(codes(&answer).contains(&"QUERY_TOO_EXPENSIVE"), "{answer}");
    assert!(codes(&answer).iter().all(|it| *it == "QUERY_TOO_EXPENSIVE"));
    world.data(&ada, &lists_in_jobs(45, 10), json!({})).await;
    // What one answer has cost does not count for the next.
    for _ in 0..5 {
        world.data(&ada, &lists_in_jobs(30, 100), json!({})).await;
    }
}

#[tokio::test]
async fn a_document_that_asks_for_too_many_fields_is_refused_before_it_runs() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let lists: Vec<String> = (0..40)
        .map(|it| format!("j{it}: jobs(first: 100) {{ nodes {{ id state kind service }} }}"))
        .collect();
    let answer = world.ask(&ada, &format!("{{ {} }}", lists.join(" ")), json!({})).await;
    assert_eq!(codes(&answer), ["QUERY_TOO_EXPENSIVE"]);
    world.data(&ada, &format!("{{ {} }}", lists[..20].join(" ")), json!({})).await;
}
