//! What the server sees, and what it can't.

use shared::api::{Preparation, SessionInfo};
use shared::image::Digit;
use yew::prelude::*;

use super::noise::{Noise, agreement};
use super::preview::Preview;
use crate::state::{Ciphertexts, Model};
use crate::text;

/// What the comparison needs.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The drawing as it is encrypted.
    pub digits: Vec<Digit>,
    /// What happens to it before.
    pub preparation: Preparation,
    /// What went over the wire.
    pub ciphertexts: Ciphertexts,
    /// The session that holds the evaluation keys.
    pub session: Option<SessionInfo>,
    /// The model in use.
    pub model: Option<Model>,
    /// True if each finished stroke is read at once.
    pub live: bool,
    /// True if the drawing can be encrypted once more.
    pub enabled: bool,
    /// *Encrypt it again* was pressed.
    pub on_again: Callback<()>,
}

/// The drawing beside its ciphertext, the ciphertext before, and two lists.
#[component]
pub fn ServerView(props: &Props) -> Html {
    let Ciphertexts {
        latest, earlier, ..
    } = &props.ciphertexts;
    let size = latest.as_ref().map(|bytes| text::bytes(bytes.len() as u64));
    let session = props.session.as_ref();
    let model = props.model.as_ref();
    let unknown = || text::UNKNOWN.to_owned();
    let count = Some(props.ciphertexts.digits).filter(|&count| count > 0);
    let compared = latest.as_ref().zip(earlier.as_ref());
    html! {
        <section class="card privacy" aria-labelledby="privacy-heading">
            <h2 id="privacy-heading">{ text::PRIVACY_HEADING }</h2>
            <div class="pictures">
                <figure>
                    <Preview digits={props.digits.clone()} preparation={props.preparation} />
                    <figcaption>{ text::YOU_SEE }</figcaption>
                </figure>
                <figure>
                    <Noise id="noise" bytes={latest.clone()} label={text::NOISE_LABEL} />
                    <figcaption>{ text::SERVER_SEES }</figcaption>
                </figure>
                <figure>
                    <Noise
                        id="noise-earlier"
                        bytes={earlier.clone()}
                        label={text::EARLIER_NOISE_LABEL}
                    />
                    <figcaption>{ text::SERVER_SAW }</figcaption>
                </figure>
            </div>
            <div class="again">
                <button
                    id="encrypt-again"
                    type="button"
                    class="quiet"
                    disabled={!props.enabled}
                    onclick={props.on_again.reform(|_| ())}
                >
                    { text::ENCRYPT_AGAIN }
                </button>
                <p
                    id="agreement"
                    aria-live={if props.live { "off" } else { "polite" }}
                    data-agreement={compared.map(|(a, b)| format!("{:.5}", agreement(a, b)))}
                >
                    { compared.map_or(text::AGREEMENT_HINT.to_owned(), |(latest, earlier)| {
                        text::agreement(agreement(latest, earlier))
                    }) }
                </p>
            </div>
            <div class="lists">
                <div>
                    <h3>{ text::SEEN_HEADING }</h3>
                    <dl>
                        <dt>{ text::SEEN_CIPHERTEXT }</dt>
                        <dd>{ size.unwrap_or_else(unknown) }</dd>
                        <dt>{ text::SEEN_SESSION }</dt>
                        <dd id="session" data-session={session.map(|s| s.id.clone())}>
                            { session.map_or_else(unknown, |s| text::short_id(&s.id)) }
                        </dd>
                        <dt>{ text::SEEN_KEYS }</dt>
                        <dd>{ session.map_or_else(unknown, |s| text::bytes(s.key_bytes)) }</dd>
                        <dt>{ text::SEEN_MODEL }</dt>
                        <dd id="model" data-model={model.map(|m| m.id.clone())}>
                            { model.map_or_else(unknown, |m| m.id.clone()) }
                        </dd>
                        <dt>{ text::SEEN_COUNT }</dt>
                        <dd>{ count.map_or_else(unknown, |count| count.to_string()) }</dd>
                        <dt>{ text::SEEN_TIMING }</dt>
                        <dd>{ text::seen_timing(props.live) }</dd>
                    </dl>
                </div>
                <div>
                    <h3>{ text::UNSEEN_HEADING }</h3>
                    <ul class="unseeable">
                        { for text::UNSEEN.into_iter().map(|what| html! { <li>{ what }</li> }) }
                    </ul>
                </div>
            </div>
        </section>
    }
}
