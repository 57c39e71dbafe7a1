//! The operations of one socket: a task each, and one short queue to the writer.

use std::collections::HashMap;

use futures::{StreamExt, stream::BoxStream};
use tokio::{
    sync::mpsc,
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
    started: u64,
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
}

impl Operations {
    pub(super) fn new(queue_frames: usize) -> Self {
        let (sender, queue) = mpsc::channel(queue_frames);
        Self { running: HashMap::new(), tasks: JoinSet::new(), sender, queue, started: 0 }
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
        let relay = Relay { id: id.clone(), generation: self.started, sender: self.sender.clone() };
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
        let Self { id, generation, sender } = self;
        sender.send(Frame { id: id.clone(), generation: *generation, text, last }).await
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;
    use crate::transport::testing::eventually;

    #[tokio::test]
    async fn a_late_frame_does_not_pass_for_one_of_the_successor() {
        let answer = |text: &str| Answer::Result(text.to_owned());
        let mut operations = Operations::new(4);
        operations.start("1".to_owned(), stream::iter([answer("old"), answer("old")]).boxed());
        eventually("the old frames are queued", || operations.queue.len() == 3).await;
        operations.complete("1");
        operations.start("1".to_owned(), stream::iter([answer("new")]).boxed());
        let frame = operations.next().await.unwrap();
        assert!(frame.text.contains("new"), "{}", frame.text);
    }
}
