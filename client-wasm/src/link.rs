//! The page's end of the line to the crypto worker.
//!
//! Knows how to start the worker and how messages are delivered; knows nothing of their meaning.
//!
//! **Invariant:** messages come out in the order the worker told them, and a worker that can't be
//! started or breaks ends the line with an error.

use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::StreamExt;
use js_sys::{Object, Reflect};
use thiserror::Error;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::protocol::{self, FromWorker, ProtocolError, ToWorker};

/// The script beside the page that starts this program in a worker.
const STARTER: &str = "./worker.js";

#[wasm_bindgen]
extern "C" {
    /// Address of this program's own script.
    #[wasm_bindgen(thread_local_v2, js_namespace = ["import", "meta"], js_name = url)]
    static SCRIPT: JsValue;
}

/// Why the line is dead.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LinkError {
    /// The browser has no module workers or doesn't find the script.
    #[error("the part of the page that encrypts did not start")]
    NotStarted,
    /// The worker threw an error that it didn't expect.
    #[error("the part of the page that encrypts stopped: {0}")]
    Broken(String),
    /// The two sides come from different builds.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
}

/// A running worker; it ends when this is dropped.
pub struct Link {
    worker: Worker,
    inbox: UnboundedReceiver<Result<FromWorker, LinkError>>,
    listens: bool,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

impl Link {
    /// Starts the worker; wait until it is [`Link::listening`].
    ///
    /// # Errors
    /// [`LinkError::NotStarted`] if the browser has no such workers.
    pub fn start() -> Result<Self, LinkError> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker =
            Worker::new_with_options(STARTER, &options).map_err(|_| LinkError::NotStarted)?;
        let (sender, inbox) = unbounded();
        let on_message = on_message(sender.clone());
        let on_error = on_error(sender);
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        let program = program().map_err(|_| LinkError::NotStarted)?;
        let told = worker.post_message(&program);
        told.map_err(|_| LinkError::NotStarted)?;
        Ok(Self {
            worker,
            inbox,
            listens: false,
            _on_message: on_message,
            _on_error: on_error,
        })
    }

    /// Waits until the worker has loaded: what it was told before could be lost.
    ///
    /// # Errors
    /// Why the line is dead.
    pub async fn listening(&mut self) -> Result<(), LinkError> {
        while !self.listens {
            self.listens = self.next().await? == FromWorker::Started;
        }
        Ok(())
    }

    /// Tells the worker something.
    ///
    /// # Errors
    /// [`ProtocolError::Undelivered`] if the browser doesn't take the message.
    pub fn tell(&self, message: &ToWorker) -> Result<(), LinkError> {
        let (message, handed_over) = protocol::to_js(message)?;
        let told = self
            .worker
            .post_message_with_transfer(&message, &handed_over);
        told.map_err(|_| ProtocolError::Undelivered.into())
    }

    /// Waits for what the worker says next.
    ///
    /// # Errors
    /// Why the line is dead.
    pub async fn next(&mut self) -> Result<FromWorker, LinkError> {
        self.inbox
            .next()
            .await
            .unwrap_or(Err(LinkError::NotStarted))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

/// What the starter waits for: this program as it is compiled, and the address of its script.
fn program() -> Result<Object, JsValue> {
    let program = Object::new();
    Reflect::set(&program, &"script".into(), &SCRIPT.with(JsValue::clone))?;
    Reflect::set(&program, &"program".into(), &wasm_bindgen::module())?;
    Ok(program)
}

type Sender = UnboundedSender<Result<FromWorker, LinkError>>;

// Sending fails only when the receiver is gone, and with it everyone who would care.

fn on_message(sender: Sender) -> Closure<dyn FnMut(MessageEvent)> {
    Closure::new(move |event: MessageEvent| {
        let message = protocol::from_js(&event.data()).map_err(LinkError::Protocol);
        let _nobody_listens = sender.unbounded_send(message);
    })
}

fn on_error(sender: Sender) -> Closure<dyn FnMut(ErrorEvent)> {
    Closure::new(move |event: ErrorEvent| {
        // A script that can't be loaded gives a plain event, without a message.
        let reason = Reflect::get(&event, &"message".into());
        let error = match reason.ok().and_then(|reason| reason.as_string()) {
            Some(reason) if !reason.is_empty() => LinkError::Broken(reason),
            _ => LinkError::NotStarted,
        };
        let _nobody_listens = sender.unbounded_send(Err(error));
    })
}
