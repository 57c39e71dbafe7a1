//! The operations of one socket: a task each, and one short queue to the writer.

use std::{collections::HashMap, sync::Arc};

use futures::{StreamExt, stream::BoxStream};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::{AbortHandle, JoinSet},
};

use super::message;
use crate::transport::execution::Answer;

/// Runs the operations of one socket; dropped, it ends them.
pub(super) struct Operations {
    running: HashMap<String, Running>,
    tasks: JoinSet<()>,
    sender: mpsc::Sender<Frame>,
    queue: mpsc::Receiver<Frame>,
    room: Room,
    started: u64,
}

/// What the frames that wait may take together.
#[derive(Clone)]
struct Room {
    left: Arc<Semaphore>,
    bytes: usize,
}

/// Clients use ids again: a late frame of an operation that was completed must
/// not pass for one of its successor.
struct Running {
    generation: u64,
    task: AbortHandle,
}

/// A message that waits to be written.
pub(super) struct Frame {
    id: String,
    generation: u64,
    pub(super) text: String,
    last: bool,
    /// Given back when it has left.
    _room: Option<OwnedSemaphorePermit>,
}

impl Operations {
    pub(super) fn new(queue_frames: usize, queue_bytes: usize) -> Self {
        let (sender, queue) = mpsc::channel(queue_frames);
        let room = Room { left: Arc::new(Semaphore::new(queue_bytes)), bytes: queue_bytes };
        Self { running: HashMap::new(), tasks: JoinSet::new(), sender, queue, room, started: 0 }
    }

    pub(super) fn count(&self) -> usize {
        self.running.len()
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.running.contains_key(id)
    }

    /// Runs an operation under an id that no other has.
    pub(super) fn start(&mut self, id: String, answers: BoxStream<'static, Answer>) {
        // What has ended has said so in its last frame.
        while self.tasks.try_join_next().is_some() {}
        self.started += 1;
        let (generation, sender) = (self.started, self.sender.clone());
        let relay = Relay { id: id.clone(), generation, sender, room: self.room.clone() };
        let task = self.tasks.spawn(relay.run(answers));
        self.running.insert(id, Running { generation: self.started, task });
    }

    /// Ends an operation that nobody listens to any more; one that has ended already is no mistake.
    pub(super) fn complete(&mut self, id: &str) {
        if let Some(running) = self.running.remove(id) {
            running.task.abort();
        }
    }

    /// The next frame of any operation that is still wanted.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        loop {
            let frame = self.queue.recv().await?;
            if self.running.get(&frame.id).is_some_and(|it| it.generation == frame.generation) {
                return Some(frame);
            }
        }
    }

    /// To be called when a frame has left: after the last one, its id is free.
    pub(super) fn delivered(&mut self, frame: &Frame) {
        if frame.last {
            self.running.remove(&frame.id);
        }
    }
}

/// Turns the answers of one operation into frames.
struct Relay {
    id: String,
    generation: u64,
    sender: mpsc::Sender<Frame>,
    room: Room,
}

impl Room {
    /// Waits until there is room for `text`; for what is larger than all, until all is free.
    async fn take(&self, text: &str) -> Option<OwnedSemaphorePermit> {
        let bytes = u32::try_from(text.len().min(self.bytes)).unwrap_or(u32::MAX);
        // It is never closed.
        Arc::clone(&self.left).acquire_many_owned(bytes).await.ok()
    }
}

impl Relay {
    async fn run(self, mut answers: BoxStream<'static, Answer>) {
        while let Some(answer) = answers.next().await {
            let (text, last) = match answer {
                Answer::Result(result) => (message::next(&self.id, &result), false),
                Answer::Refused(faults) => (message::error(&self.id, &faults), true),
            };
            if self.send(text, last).await.is_err() || last {
                return;
            }
        }
        if self.send(message::complete(&self.id), true).await.is_err() {
            tracing::debug!("an operation outlived its socket");
        }
    }

    /// Waits while the queue is full; the answers wait with it.
    async fn send(&self, text: String, last: bool) -> Result<(), mpsc::error::SendError<Frame>> {
        let Self { id, generation, sender, room } = self;
        let (id, generation, taken) = (id.clone(), *generation, room.take(&text).await);
        sender.send(Frame { id, generation, text, last, _room: taken }).await
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use tokio::task::yield_now;

    use super::*;
    use crate::transport::testing::eventually;

    #[tokio::test]
    async fn a_late_frame_does_not_pass_for_one_of_the_successor() {
        let answer = |text: &str| Answer::Result(text.to_owned());
        let mut operations = Operations::new(4, 1_000);
        operations.start("1".to_owned(), stream::iter([answer("old"), answer("old")]).boxed());
        eventually("the old frames are queued", || operations.queue.len() == 3).await;
        operations.complete("1");
        operations.start("1".to_owned(), stream::iter([answer("new")]).boxed());
        let frame = operations.next().await.unwrap();
        assert!(frame.text.contains("new"), "{}", frame.text);
    }

    /// Must never: who does not read has the frames of all operations kept in memory.
    #[tokio::test]
    async fn what_waits_is_bounded_by_its_bytes_and_nothing_is_lost() {
        let answer = |it: usize| Answer::Result(format!("{it}{}", " ".repeat(300)));
        let mut operations = Operations::new(64, 1_000);
        for id in ["1", "2"] {
            operations.start(id.to_owned(), stream::iter((0..20).map(answer)).boxed());
        }
        eventually("there is no room left", || operations.queue.len() == 2).await;
        for _ in 0..100 {
            yield_now().await;
        }
        assert_eq!(operations.queue.len(), 2, "though there is room for 64 frames");
        let (mut told, mut ended) = (0, 0);
        while ended < 2 {
            let frame = operations.next().await.unwrap();
            told += usize::from(!frame.last);
            ended += usize::from(frame.last);
            operations.delivered(&frame);
        }
        assert_eq!(told, 40);
    }

    #[tokio::test]
    async fn what_is_larger_than_the_queue_is_told_alone() {
        let answer = |_| Answer::Result("x".repeat(5_000));
        let mut operations = Operations::new(64, 1_000);
        operations.start("1".to_owned(), stream::iter((0..3).map(answer)).boxed());
        for _ in 0..3 {
            let frame = operations.next().await.unwrap();
            assert!(5_000 < frame.text.len() && operations.queue.is_empty());
        }
        assert!(operations.next().await.unwrap().last);
    }
}
