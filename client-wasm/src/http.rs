//! One request to the service, and what can be known about its way.
//!
//! Knows bytes, headers and times; knows no route and no meaning. `fetch` can't tell how much of a
//! body has been sent, so this is an `XMLHttpRequest`.
//!
//! **Invariant:** a request whose future is dropped is aborted: a server that never answers holds none
//! of the few connections that a browser opens to it. Each carries the service's token, if there is one.

use std::cell::Cell;
use std::rc::Rc;

use futures_channel::oneshot;
use js_sys::{ArrayBuffer, Uint8Array};
use thiserror::Error;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Event, ProgressEvent, XmlHttpRequest, XmlHttpRequestResponseType};

use crate::token;

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

/// Hears how many bytes of a request's body are sent.
pub type Progress = Rc<dyn Fn(u64)>;

/// What is asked of the service.
pub struct Request<'a> {
    /// HTTP method.
    pub method: &'static str,
    /// Address, relative to the page's base.
    pub url: String,
    /// Media type and bytes of the body, where there is one.
    pub body: Option<(&'static str, &'a [u8])>,
    /// How long it may take until the whole reply is here.
    pub timeout_s: u32,
    /// Who hears of the body's progress.
    pub on_progress: Option<Progress>,
}

/// Sends a request and waits for the reply.
///
/// # Errors
/// [`HttpError`] if no reply came, or none in time.
pub async fn send(request: &Request<'_>) -> Result<Reply, HttpError> {
    let (sender, ended) = oneshot::channel();
    let xhr = XmlHttpRequest::new().map_err(|_| HttpError::Unreachable)?;
    let in_flight = InFlight::new(xhr, sender, request.on_progress.clone());
    in_flight
        .send(request)
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
    _on_progress: Option<Closure<dyn FnMut(ProgressEvent)>>,
}

impl InFlight {
    fn new(
        request: XmlHttpRequest,
        sender: oneshot::Sender<Result<(), HttpError>>,
        on_progress: Option<Progress>,
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

        let on_progress = on_progress.map(|tell| {
            Closure::<dyn FnMut(ProgressEvent)>::new(move |event: ProgressEvent| {
                tell(event.loaded() as u64);
            })
        });
        if let (Some(listener), Ok(upload)) = (&on_progress, request.upload()) {
            upload.set_onprogress(Some(listener.as_ref().unchecked_ref()));
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

    fn send(&self, request: &Request<'_>) -> Result<(), JsValue> {
        let xhr = &self.request;
        xhr.open(request.method, &request.url)?;
        xhr.set_response_type(XmlHttpRequestResponseType::Arraybuffer);
        xhr.set_timeout(request.timeout_s * 1000);
        xhr.set_request_header("Accept", "application/octet-stream, application/json")?;
        if let Some(token) = token::header() {
            xhr.set_request_header("Authorization", &token)?;
        }
        match request.body {
            Some((media_type, body)) => {
                xhr.set_request_header("Content-Type", media_type)?;
                // A copy: the browser reads it while the memory of the page may move.
                xhr.send_with_opt_js_u8_array(Some(&Uint8Array::from(body)))
            }
            None => xhr.send(),
        }
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
