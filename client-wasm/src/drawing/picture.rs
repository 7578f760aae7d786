//! A picture on the pad: the ink of a photograph.

use std::rc::Rc;

use shared::image::GrayImage;

use super::{Area, Frame, Point};

/// The ink of a photograph, and where it lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    ink: Rc<GrayImage>,
    area: Area,
}

impl Picture {
    /// Puts ink into the middle of the pad, as large as fits between the margins.
    pub fn centred(ink: GrayImage) -> Self {
        let (width, height) = (ink.width() as f64, ink.height() as f64);
        let scale = (1.0 - 2.0 * Area::MARGIN) / width.max(height);
        let (width, height) = (width * scale, height * scale);
        let corner = Point {
            x: (1.0 - width) / 2.0,
            y: (1.0 - height) / 2.0,
        };
        let end = Point {
            x: corner.x + width,
            y: corner.y + height,
        };
        Self {
            ink: Rc::new(ink),
            area: Area { corner, end },
        }
    }

    /// Ink is 1, paper is 0.
    pub fn ink(&self) -> &Rc<GrayImage> {
        &self.ink
    }

    /// What it covers of the pad.
    pub fn area(&self) -> Area {
        self.area
    }

    /// The same picture elsewhere.
    pub(super) fn placed(&self, frame: Frame) -> Self {
        Self {
            ink: self.ink.clone(),
            area: Area {
                corner: frame.place(self.area.corner),
                end: frame.place(self.area.end),
            },
        }
    }
}
