//! How it works, with the person's own drawing.

use shared::api::Preparation;
use shared::image::Digit;
use yew::prelude::*;

use super::noise::Noise;
use super::preview::Preview;
use crate::state::Ciphertexts;
use crate::text;

/// What the explanation needs.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The drawing.
    pub digits: Vec<Digit>,
    /// What happens to it before it is encrypted.
    pub preparation: Preparation,
    /// What went over the wire.
    pub ciphertexts: Ciphertexts,
    /// The answer, once there is one.
    pub number: Option<String>,
}

/// Five pictures in a row, each with a sentence.
#[component]
pub fn Explanation(props: &Props) -> Html {
    let Ciphertexts { latest, reply, .. } = &props.ciphertexts;
    let number = props.number.clone().unwrap_or(text::UNKNOWN.into());
    let pictures = [
        html! { <Preview digits={props.digits.clone()} preparation={props.preparation} /> },
        html! { <Noise bytes={latest.clone()} label={text::NOISE_LABEL} /> },
        network(),
        html! { <Noise bytes={reply.clone()} label={text::REPLY_LABEL} /> },
        html! { <p class="number">{ number }</p> },
    ];
    let step = |(picture, sentence): (Html, &'static str)| {
        html! {
            <li>
                <div class="picture">{ picture }</div>
                <p>{ sentence }</p>
            </li>
        }
    };
    html! {
        <section class="card how" aria-labelledby="how-heading">
            <h2 id="how-heading">{ text::HOW_HEADING }</h2>
            <ol>{ for pictures.into_iter().zip(text::HOW).map(step) }</ol>
            <p class="more">{ text::HOW_MORE }</p>
            <ul class="links">
                { for text::DOCUMENTS.into_iter().map(|(name, address)| html! {
                    <li><a href={address} target="_blank" rel="noopener">{ name }</a></li>
                }) }
            </ul>
        </section>
    }
}

/// Three layers of a network, drawn.
fn network() -> Html {
    const LAYERS: [(u32, &[u32]); 3] = [(8, &[8, 24, 40]), (24, &[14, 34]), (40, &[8, 24, 40])];
    let edges = LAYERS.windows(2).flat_map(|pair| {
        let ((x1, from), (x2, to)) = (pair[0], pair[1]);
        from.iter()
            .flat_map(move |&y1| to.iter().map(move |&y2| (x1, y1, x2, y2)))
    });
    let nodes = LAYERS
        .into_iter()
        .flat_map(|(x, ys)| ys.iter().map(move |&y| (x, y)));
    html! {
        <svg class="net" viewBox="0 0 48 48" role="img" aria-label={text::NETWORK_LABEL}>
            { for edges.map(|(x1, y1, x2, y2)| html! {
                <line
                    x1={x1.to_string()}
                    y1={y1.to_string()}
                    x2={x2.to_string()}
                    y2={y2.to_string()}
                />
            }) }
            { for nodes.map(|(x, y)| html! {
                <circle cx={x.to_string()} cy={y.to_string()} r="4" />
            }) }
        </svg>
    }
}
