//! What the page is doing, in a line.

use yew::prelude::*;

use crate::state::Phase;
use crate::text;

/// What the status needs.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// What the page is doing.
    pub phase: Phase,
}

/// A line of words, with a progress bar while keys are made and uploaded.
#[component]
pub fn Status(Props { phase }: &Props) -> Html {
    html! {
        <div id="status" class="status" data-state={name(phase)}>
            <span class="lamp" aria-hidden="true" />
            <span class="words">{ text::phase(phase) }</span>
            if let Some(share) = progress(phase) {
                <progress aria-label={text::phase(phase)} max="1" value={format!("{share:.3}")} />
            }
        </div>
    }
}

fn name(phase: &Phase) -> &'static str {
    match phase {
        Phase::Loading => "loading",
        Phase::Keys { .. } => "keys",
        Phase::Uploading { .. } => "uploading",
        Phase::Ready => "ready",
        Phase::NoKeys => "no-keys",
        Phase::Encrypting => "encrypting",
        Phase::Evaluating => "evaluating",
        Phase::Failed(_) => "error",
    }
}

fn progress(phase: &Phase) -> Option<f64> {
    let (done, all) = match *phase {
        Phase::Keys { made, pieces } => (f64::from(made), f64::from(pieces)),
        Phase::Uploading { sent, total } => (sent as f64, total as f64),
        _ => return None,
    };
    Some(if all > 0.0 {
        (done / all).min(1.0)
    } else {
        0.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_a_share() {
        assert_eq!(
            progress(&Phase::Keys {
                made: 3,
                pieces: 12
            }),
            Some(0.25)
        );
        assert_eq!(progress(&Phase::Keys { made: 0, pieces: 0 }), Some(0.0));
        assert_eq!(progress(&Phase::Uploading { sent: 9, total: 3 }), Some(1.0));
        assert_eq!(progress(&Phase::Ready), None);
    }
}
