//! What crawls and people do to pages and lands, sense and nonsense alike; and
//! what the tables of both answer.

use commands::{Command, Wishes};
use domain::{
    JobId, LandId, UserId,
    artifact::{Artifact, Sha256},
    job::{
        CrawlSpec, DuplicateBy, Exclusion, Follow, FoundPage, JobCommand, KeptPage, PageOutcome,
        TextSlice, VisitedPage,
    },
    land::{LandChange, LandCommand, Sketch},
};
use projections::{
    Viewer,
    land::{LandFilter, LandOrder, LandPaging},
    page::{Link, LinkGraphFilter, PageFilter, PageOrder, PagePaging, PageRow, PageState},
};
use uuid::Uuid;

use super::world::{ANN, OWNER, World, user, worker};

/// A batch of a crawl that has found `known` pages so far.
pub(super) fn pages(known: u32, fence: u64, salt: u8) -> JobCommand {
    let next = known + u32::from(salt % 5);
    let found = (known..next).map(|number| found(number, salt)).collect();
    let visited = (0..next).filter(|it| it % 3 == u32::from(salt % 3)).map(|number| VisitedPage {
        number,
        outcome: outcome(number, salt),
        links: (0..next).filter(|it| (it + u32::from(salt)).is_multiple_of(4)).collect(),
    });
    let texts = Artifact { sha256: Sha256::new([salt; 32]), name: "texts.jsonl".into(), bytes: 9 };
    let visited = visited.collect();
    JobCommand::RecordPages { fence, found, visited, texts: Some(texts), progress: None }
}

fn found(number: u32, salt: u8) -> FoundPage {
    FoundPage {
        number,
        url: format!("https://host{}.example/{number}", salt % 3),
        depth: u16::from(salt % 4),
        from: number.checked_sub(1),
    }
}

fn outcome(number: u32, salt: u8) -> PageOutcome {
    match (number + u32::from(salt)) % 5 {
        0 => PageOutcome::Duplicate { of: 0, by: DuplicateBy::Content },
        1 => PageOutcome::Excluded { reason: Exclusion::Robots },
        2 => PageOutcome::Failed { status: Some(404), error: "http".into(), message: "no".into() },
        _ => PageOutcome::Kept(Box::new(kept(number, u32::from(salt)))),
    }
}

fn kept(number: u32, relevance: u32) -> KeptPage {
    let even = number.is_multiple_of(2);
    KeptPage {
        url: format!("https://www.host{}.example/{number}", relevance % 2),
        status: 200,
        media_type: "text/html".into(),
        bytes: 5_000,
        title: even.then(|| format!("Page {number}")),
        description: None,
        language: even.then(|| "fr".to_owned()),
        canonical: None,
        published_at: None,
        words: 100,
        relevance,
        content: Sha256::new([7; 32]),
        text: TextSlice { offset: 3, bytes: 4 },
        media: 1,
    }
}

pub(super) fn change_land(id: LandId, salt: u8) -> Command {
    let change = LandChange {
        name: salt.is_multiple_of(3).then(|| format!("Rivers {salt}")),
        terms_added: vec![format!("term {}", salt % 7)],
        terms_removed: vec![format!("term {}", salt % 5)],
        ..LandChange::default()
    };
    Command::Land(id, LandCommand::ChangeLand(change))
}

/// A crawl of five pages: two are kept, and one waits.
pub(super) async fn crawled(world: &World) -> JobId {
    let id = JobId(Uuid::new_v4());
    let crawl = CrawlSpec {
        land: None,
        seeds: vec!["https://host0.example/0".into()],
        terms: vec!["crue".into()],
        depth: 3,
        pages_max: 100,
        languages: vec![],
        follow: Follow::default(),
    };
    let command = Command::StartCrawl { id, crawl, wishes: Wishes::default() };
    world.commands.execute(command, user(OWNER)).await.unwrap();
    let fence = world.grant(id, ANN).await.lease.fence;
    let visited = |number, outcome, links| VisitedPage { number, outcome, links };
    let failed =
        PageOutcome::Failed { status: None, error: "timeout".into(), message: "slow".into() };
    let first = JobCommand::RecordPages {
        fence,
        found: (0..5).map(|number| found(number, 0)).collect(),
        visited: vec![
            visited(0, PageOutcome::Kept(Box::new(kept(0, 4))), vec![0, 1, 1, 2, 4]),
            visited(1, PageOutcome::Kept(Box::new(kept(1, 9))), vec![3]),
        ],
        texts: None,
        progress: None,
    };
    world.ask(id, first, worker(ANN)).await;
    let second = JobCommand::RecordPages {
        fence,
        found: vec![],
        visited: vec![
            visited(2, failed, vec![]),
            visited(3, PageOutcome::Duplicate { of: 0, by: DuplicateBy::Canonical }, vec![]),
        ],
        texts: None,
        progress: None,
    };
    world.ask(id, second, worker(ANN)).await;
    id
}

fn numbers(rows: &[PageRow]) -> Vec<u32> {
    rows.iter().map(|it| it.number).collect()
}

#[tokio::test]
async fn pages_are_listed_in_every_order_a_part_at_a_time() {
    let world = World::new().await;
    let following = world.follow();
    let crawl = crawled(&world).await;
    world.caught_up().await;
    let orders = [
        (PageOrder::Relevance, [1, 0, 2, 3, 4]),
        (PageOrder::Number, [0, 1, 2, 3, 4]),
        (PageOrder::Depth, [0, 1, 2, 3, 4]),
        (PageOrder::Url, [0, 1, 2, 3, 4]),
        (PageOrder::Title, [1, 2, 3, 4, 0]),
    ];
    for (order, expected) in orders {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let paging = PagePaging { limit: 2, after };
            let filter = PageFilter::default();
            let list = world.reader.pages(crawl, &filter, order, paging).await.unwrap();
            seen.extend(numbers(&list.rows));
            after = seen.last().copied();
            if !list.more {
                break;
            }
        }
        assert_eq!(seen, expected, "{order:?}");
    }
    following.stopped().await;
}

#[tokio::test]
async fn a_filter_of_pages_gives_what_fits_all_of_it() {
    let world = World::new().await;
    let following = world.follow();
    let crawl = crawled(&world).await;
    world.caught_up().await;
    let found = async |filter: PageFilter| {
        let paging = PagePaging { limit: 10, after: None };
        let list = world.reader.pages(crawl, &filter, PageOrder::Number, paging).await.unwrap();
        assert_eq!(world.reader.count_pages(crawl, &filter).await.unwrap(), list.rows.len() as u64);
        numbers(&list.rows)
    };
    let any = PageFilter::default;
    let states = Some(vec![PageState::Failed, PageState::Waiting]);
    assert_eq!(found(PageFilter { states, ..any() }).await, [2, 4]);
    assert_eq!(found(PageFilter { relevance_min: Some(5), ..any() }).await, [1]);
    assert_eq!(found(PageFilter { depth_max: Some(0), ..any() }).await, [0, 1, 2, 3, 4]);
    let host = Some("WWW.host0.example".into());
    assert_eq!(found(PageFilter { host, ..any() }).await, [0]);
    assert_eq!(found(PageFilter { language: Some("fr".into()), ..any() }).await, [0]);
    assert_eq!(found(PageFilter { text: Some("PAGE".into()), ..any() }).await, [0]);
    assert_eq!(found(PageFilter { text: Some("%".into()), ..any() }).await, [0; 0]);
    let counts = world.reader.page_counts(&[crawl]).await.unwrap().remove(&crawl).unwrap();
    let count = |state| counts.get(&state).copied().unwrap_or(0);
    assert_eq!(PageState::ALL.map(count), [1, 2, 1, 0, 1]);
    following.stopped().await;
}

#[tokio::test]
async fn links_are_told_once_and_the_graph_is_of_what_is_kept() {
    let world = World::new().await;
    let following = world.follow();
    let crawl = crawled(&world).await;
    world.caught_up().await;
    let link = |source, target| Link { source, target };
    let all = [link(0, 0), link(0, 1), link(0, 2), link(0, 4), link(1, 3)];
    let first = world.reader.links(crawl, None, 3).await.unwrap();
    assert_eq!((first.links.as_slice(), first.more), (&all[..3], true));
    let rest = world.reader.links(crawl, Some(all[2]), 3).await.unwrap();
    assert_eq!((rest.links.as_slice(), rest.more), (&all[3..], false));
    assert_eq!(world.reader.count_links(crawl).await.unwrap(), 5);
    let whole =
        LinkGraphFilter { relevance_min: 0, across_hosts: false, pages_max: 9, links_max: 9 };
    let graph = async |filter| {
        let graph = world.reader.link_graph(crawl, filter).await.unwrap();
        (numbers(&graph.pages), graph.links, graph.more)
    };
    // What leads to a page that turned out to be another leads to that one.
    let between = vec![link(1, 0), link(0, 1)];
    assert_eq!(graph(whole).await, (vec![1, 0], between.clone(), false));
    let across = LinkGraphFilter { across_hosts: true, ..whole };
    assert_eq!(graph(across).await, (vec![1, 0], between, false));
    let relevant = LinkGraphFilter { relevance_min: 5, ..whole };
    assert_eq!(graph(relevant).await, (vec![1], vec![], false));
    let few = LinkGraphFilter { links_max: 1, ..whole };
    assert_eq!(graph(few).await, (vec![1, 0], vec![link(1, 0)], true));
    following.stopped().await;
}

#[tokio::test]
async fn lands_are_seen_by_their_owner_until_they_are_deleted() {
    let world = World::new().await;
    let following = world.follow();
    let (stranger, all) = (Viewer::Owner(UserId(Uuid::from_u128(9))), Viewer::All);
    let lands = ["Rivers", "lakes", "Seas"].map(|name| (LandId(Uuid::new_v4()), name));
    for (id, name) in lands {
        let sketch = Sketch { name: name.into(), ..Sketch::default() };
        let command = Command::Land(id, LandCommand::CreateLand { owner: OWNER, sketch });
        world.commands.execute(command, user(OWNER)).await.unwrap();
    }
    let gone = Command::Land(lands[2].0, LandCommand::DeleteLand);
    world.commands.execute(gone, user(OWNER)).await.unwrap();
    world.caught_up().await;
    let listed = async |filter: LandFilter, order, viewer| {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let paging = LandPaging { limit: 1, after };
            let list = world.reader.lands(&filter, order, paging, viewer).await.unwrap();
            after = list.rows.last().map(|it| it.created_position);
            seen.extend(list.rows.into_iter().map(|it| it.sketch.name));
            if !list.more {
                return seen;
            }
        }
    };
    let any = LandFilter::default;
    let mine = Viewer::Owner(OWNER);
    assert_eq!(listed(any(), LandOrder::Newest, mine).await, ["lakes", "Rivers"]);
    assert_eq!(listed(any(), LandOrder::Oldest, all).await, ["Rivers", "lakes"]);
    assert_eq!(listed(any(), LandOrder::Name, mine).await, ["lakes", "Rivers"]);
    assert_eq!(listed(any(), LandOrder::Name, stranger).await, [""; 0]);
    let rivers = LandFilter { text: Some("RIV".into()), ..any() };
    assert_eq!(listed(rivers.clone(), LandOrder::Name, mine).await, ["Rivers"]);
    assert_eq!(world.reader.count_lands(&rivers, mine).await.unwrap(), 1);
    assert!(world.reader.land(lands[0].0, mine).await.unwrap().is_some());
    assert_eq!(world.reader.land(lands[0].0, stranger).await.unwrap(), None);
    assert_eq!(world.reader.land(lands[2].0, all).await.unwrap(), None);
    following.stopped().await;
}
