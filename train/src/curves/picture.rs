//! The curves as a drawing.

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::training::Epoch;

/// Why a picture can't be drawn: what the plotting library says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the curves can't be drawn: {0}")]
pub struct PictureError(String);

impl<E: std::error::Error + Send + Sync> From<DrawingAreaErrorKind<E>> for PictureError {
    fn from(error: DrawingAreaErrorKind<E>) -> Self {
        Self(error.to_string())
    }
}

/// Width and height in SVG units.
const SIZE: (u32, u32) = (900, 340);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A curve: its name, its colour, its figure of an epoch.
type Curve = (&'static str, RGBColor, fn(&Epoch) -> f64);

const LOSSES: [Curve; 2] = [
    ("training", RGBColor(90, 90, 160), |epoch| epoch.train_loss),
    ("test", RGBColor(200, 90, 20), |epoch| epoch.test_loss),
];

const ERRORS: [Curve; 3] = [
    ("training, augmented", RGBColor(90, 90, 160), |epoch| {
        100.0 * (1.0 - epoch.train_accuracy)
    }),
    ("test", RGBColor(200, 90, 20), |epoch| {
        100.0 * (1.0 - epoch.test_accuracy)
    }),
    ("test, prepared", RGBColor(40, 130, 80), |epoch| {
        100.0 * (1.0 - epoch.prepared_accuracy)
    }),
];

/// Losses and errors over the epochs, side by side, as SVG.
///
/// # Errors
/// What the plotting library says.
pub fn draw(epochs: &[Epoch]) -> Result<String, PictureError> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let (left, right) = area.split_horizontally(SIZE.0 / 2);
        panel(&left, "loss", epochs, &LOSSES)?;
        panel(&right, "wrong classes in %", epochs, &ERRORS)?;
        area.present()?;
    }
    Ok(svg)
}

fn panel(
    area: &Area<'_>,
    title: &str,
    epochs: &[Epoch],
    curves: &[Curve],
) -> Result<(), PictureError> {
    let figures = || {
        epochs
            .iter()
            .flat_map(|epoch| curves.iter().map(|(_, _, figure)| figure(epoch)))
    };
    let top = figures().fold(0.0, f64::max).max(1e-3) * 1.1;
    let bottom = figures().fold(top, f64::min).max(1e-4) * 0.9;
    let last = epochs.len().max(2) as f64;
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 16))
        .margin(10)
        .x_label_area_size(34)
        .y_label_area_size(46)
        .build_cartesian_2d(1.0..last, (bottom..top).log_scale())?;
    chart
        .configure_mesh()
        .x_desc("epoch")
        .x_labels(8)
        .x_label_formatter(&|epoch| format!("{epoch:.0}"))
        .y_labels(8)
        .light_line_style(TRANSPARENT)
        .draw()?;
    for &(name, colour, figure) in curves {
        let points = epochs
            .iter()
            .map(|epoch| (epoch.number as f64, figure(epoch)));
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.2))
        .draw()?;
    Ok(())
}
