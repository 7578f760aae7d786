//! Where the time went, stage by stage, with the bytes that moved.

use yew::prelude::*;

use crate::state::{Measure, Place, Stage, Timings};
use crate::text;

/// What the table needs.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The figures.
    pub timings: Timings,
}

/// A row for each stage, and a line that shows how they follow each other.
#[component]
pub fn TimingTable(Props { timings }: &Props) -> Html {
    let row = |stage: Stage| stage_row(timings, stage);
    let total = timings.total();
    html! {
        <section class="figures" aria-labelledby="timings-heading">
            <h2 id="timings-heading">{ text::TIMINGS_HEADING }</h2>
            <table id="timings">
                <thead>
                    <tr>
                        <th scope="col">{ text::STAGE }</th>
                        <th scope="col"><span class="unseen">{ text::TIMELINE }</span></th>
                        <th scope="col">{ text::TIME }</th>
                        <th scope="col">{ text::SIZE }</th>
                    </tr>
                </thead>
                <tbody>{ for Stage::ONCE.into_iter().map(row) }</tbody>
                <tbody>{ for Stage::EACH.into_iter().map(row) }</tbody>
                <tfoot>
                    <tr>
                        <th scope="row">{ text::TOTAL }</th>
                        <td />
                        <td>{ total.map_or(text::UNKNOWN.into(), text::milliseconds) }</td>
                        <td />
                    </tr>
                </tfoot>
            </table>
            <ul class="legend" aria-hidden="true">
                { for [Place::Page, Place::Network, Place::Server].map(legend) }
            </ul>
        </section>
    }
}

fn stage_row(timings: &Timings, stage: Stage) -> Html {
    let measure = timings.get(stage);
    let bytes = measure.and_then(|measure| measure.bytes);
    let time = measure.map_or(text::UNKNOWN.into(), |measure| {
        text::milliseconds(measure.ms)
    });
    html! {
        <tr
            class={class(stage.place())}
            data-stage={stage.id()}
            data-ms={measure.map(|measure| format!("{:.3}", measure.ms))}
            data-bytes={bytes.map(|bytes| bytes.to_string())}
        >
            <th scope="row">
                { text::stage(stage) }
                <span class="unseen">{ text::place(stage.place()) }</span>
            </th>
            <td class="line">{ measure.and_then(|measure| span(timings, stage, measure)) }</td>
            <td>{ time }</td>
            <td>{ bytes.map_or(text::UNKNOWN.into(), text::bytes) }</td>
        </tr>
    }
}

/// The stage's part of the timeline of one drawing.
fn span(timings: &Timings, stage: Stage, measure: Measure) -> Option<Html> {
    let total = timings
        .total()
        .filter(|&total| total > 0.0 && Stage::EACH.contains(&stage))?;
    let share = |ms: f64| format!("{:.2}", ms / total * 100.0);
    Some(html! {
        <svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
            <rect x={share(timings.before(stage))} width={share(measure.ms)} height="1" />
        </svg>
    })
}

fn legend(place: Place) -> Html {
    html! { <li class={class(place)}>{ text::place(place) }</li> }
}

fn class(place: Place) -> &'static str {
    match place {
        Place::Page => "page",
        Place::Network => "network",
        Place::Server => "server",
    }
}
