//! One request with a body, and what can be known about its way.
//!
//! Knows bytes, headers and times; knows no route and no meaning. `fetch` can't tell how much of a
//! body has been sent, so this is an `XMLHttpRequest`.
//!
//! **Invariant:** a request whose future is dropped is aborted.

use std::cell::Cell;
use std::rc::Rc;

use futures_channel::oneshot;
use js_sys::{ArrayBuffer, Uint8Array};
use thiserror::Error;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Event, ProgressEvent, XmlHttpRequest, XmlHttpRequestResponseType};

/// A reply, whatever its status.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// HTTP status code.
    pub status: u16,
    /// Whole body.
    pub body: Vec<u8>,
    /// `Server-Timing`, where the server sends it.
    pub server_timing: Option<String>,
    /// `Retry-After`, where the server sends it.
    pub retry_after: Option<String>,
    /// Milliseconds from the start until the head of the reply was here.
    pub head_ms: f64,
    /// Milliseconds from then until its body was here.
    pub body_ms: f64,
}

/// Why there is no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HttpError {
    /// No network, or nothing listens.
    #[error("the server can't be reached")]
    Unreachable,
    /// It took longer than allowed.
    #[error("the server did not answer in time")]
    TimedOut,
}

/// Milliseconds since the page was opened.
pub fn now() -> f64 {
    web_sys::window()
        .and_then(|window| window.performance())
        .map_or(0.0, |clock| clock.now())
}

/// Posts `body` to `url` (relative to the page's base) and waits for the reply.
/// `on_progress` is told the bytes sent so far.
///
/// # Errors
/// [`HttpError`] if no reply came within `timeout_ms`.
pub async fn post(
    url: &str,
    media_type: &str,
    body: &[u8],
    timeout_ms: u32,
    on_progress: impl Fn(u64) + 'static,
) -> Result<Reply, HttpError> {
    let request = XmlHttpRequest::new().map_err(|_| HttpError::Unreachable)?;
    let (sender, ended) = oneshot::channel();
    let in_flight = InFlight::new(request, sender, on_progress);
    in_flight
        .send(url, media_type, body, timeout_ms)
        .map_err(|_| HttpError::Unreachable)?;
    ended.await.unwrap_or(Err(HttpError::Unreachable))?;
    in_flight.reply().ok_or(HttpError::Unreachable)
}

type Ended = Rc<Cell<Option<oneshot::Sender<Result<(), HttpError>>>>>;

/// A request and its listeners.
struct InFlight {
    request: XmlHttpRequest,
    start: f64,
    head_at: Rc<Cell<f64>>,
    _on_end: [Closure<dyn FnMut(Event)>; 3],
    _on_state: Closure<dyn FnMut(Event)>,
    _on_progress: Closure<dyn FnMut(ProgressEvent)>,
}

impl InFlight {
    fn new(
        request: XmlHttpRequest,
        sender: oneshot::Sender<Result<(), HttpError>>,
        on_progress: impl Fn(u64) + 'static,
    ) -> Self {
        let ended: Ended = Rc::new(Cell::new(Some(sender)));
        let on_end = [
            end_with(&ended, Ok(())),
            end_with(&ended, Err(HttpError::Unreachable)),
            end_with(&ended, Err(HttpError::TimedOut)),
        ];
        let [on_load, on_error, on_timeout] = &on_end;
        request.set_onload(Some(on_load.as_ref().unchecked_ref()));
        request.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        request.set_ontimeout(Some(on_timeout.as_ref().unchecked_ref()));

        let start = now();
        let head_at = Rc::new(Cell::new(start));
        let on_state = on_head(&request, &head_at);
        request.set_onreadystatechange(Some(on_state.as_ref().unchecked_ref()));

        let on_progress = Closure::<dyn FnMut(ProgressEvent)>::new(move |event: ProgressEvent| {
            on_progress(event.loaded() as u64);
        });
        if let Ok(upload) = request.upload() {
            upload.set_onprogress(Some(on_progress.as_ref().unchecked_ref()));
        }
        Self {
            request,
            start,
            head_at,
            _on_end: on_end,
            _on_state: on_state,
            _on_progress: on_progress,
        }
    }

    fn send(
        &self,
        url: &str,
        media_type: &str,
        body: &[u8],
        timeout_ms: u32,
    ) -> Result<(), wasm_bindgen::JsValue> {
        self.request.open("POST", url)?;
        self.request
            .set_response_type(XmlHttpRequestResponseType::Arraybuffer);
        self.request.set_timeout(timeout_ms);
        self.request
            .set_request_header("Content-Type", media_type)?;
        self.request
            .set_request_header("Accept", "application/octet-stream, application/json")?;
        // A copy: the browser reads it while the memory of the page may move.
        self.request
            .send_with_opt_js_u8_array(Some(&Uint8Array::from(body)))
    }

    fn reply(&self) -> Option<Reply> {
        let buffer: ArrayBuffer = self.request.response().ok()?.dyn_into().ok()?;
        let header = |name| self.request.get_response_header(name).ok().flatten();
        let head_at = self.head_at.get();
        Some(Reply {
            status: self.request.status().ok()?,
            body: Uint8Array::new(&buffer).to_vec(),
            server_timing: header("Server-Timing"),
            retry_after: header("Retry-After"),
            head_ms: head_at - self.start,
            body_ms: now() - head_at,
        })
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.request.set_onload(None);
        self.request.set_onerror(None);
        self.request.set_ontimeout(None);
        self.request.set_onreadystatechange(None);
        if let Ok(upload) = self.request.upload() {
            upload.set_onprogress(None);
        }
        // Does nothing to a request that has ended.
        let _aborted = self.request.abort();
    }
}

fn end_with(ended: &Ended, result: Result<(), HttpError>) -> Closure<dyn FnMut(Event)> {
    let ended = Rc::clone(ended);
    Closure::new(move |_| {
        if let Some(sender) = ended.take() {
            let _nobody_waits = sender.send(result);
        }
    })
}

fn on_head(request: &XmlHttpRequest, head_at: &Rc<Cell<f64>>) -> Closure<dyn FnMut(Event)> {
    let (request, head_at) = (request.clone(), Rc::clone(head_at));
    Closure::new(move |_| {
        if request.ready_state() == XmlHttpRequest::HEADERS_RECEIVED {
            head_at.set(now());
        }
    })
}
