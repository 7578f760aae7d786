//! A bar for each class.

use yew::prelude::*;

use crate::state::DigitAnswer;
use crate::text;

/// Classes to show before the model has named its own.
const DIGITS: usize = 10;

/// What the bars need.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The answer to one digit, once there is one.
    pub answer: Option<DigitAnswer>,
    /// Names of the classes, once the model is known.
    pub names: Option<Vec<String>>,
}

/// The probabilities, likeliest marked. Widths are attributes of an image: a strict content
/// security policy forbids inline styles.
#[component]
pub fn Bars(Props { answer, names }: &Props) -> Html {
    let classes = names.as_ref().map_or(DIGITS, Vec::len);
    let likeliest = answer.as_ref().map(DigitAnswer::class);
    let bars = (0..classes).map(|class| {
        let name = names.as_ref().and_then(|names| names.get(class).cloned());
        let share = answer.as_ref().map(|answer| answer.probability(class));
        let name = name.unwrap_or_else(|| class.to_string());
        bar(class, name, share, likeliest == Some(class))
    });
    html! {
        <ol id="bars" class="bars" aria-label={text::BARS_LABEL}>{ for bars }</ol>
    }
}

fn bar(class: usize, name: String, share: Option<f64>, likeliest: bool) -> Html {
    let width = share.unwrap_or(0.0);
    html! {
        <li
            key={class}
            class={classes!("bar", likeliest.then_some("likeliest"))}
            data-class={class.to_string()}
            data-probability={format!("{width:.6}")}
        >
            <span class="name">{ name }</span>
            <svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
                <rect width={format!("{:.2}", width * 100.0)} height="1" />
            </svg>
            <span class="share">{ share.map(text::percent) }</span>
        </li>
    }
}
