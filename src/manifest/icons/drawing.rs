//! Draws the mark: two links of a chain, one through the other, from lower left to upper right.
//!
//! Lengths are in units of a 32nd of the mark's width, the origin is its centre. Only operations
//! that IEEE 754 rounds exactly are used, so that every machine draws the same pixels.

use std::f64::consts::FRAC_1_SQRT_2;

/// How far a link's middle is from the mark's.
const OFFSET: f64 = 5.8;
/// Half the length of a link's straight sides.
const HALF_SIDE: f64 = 4.0;
/// The radius of a link's round ends, to the middle of its stroke.
const RADIUS: f64 = 4.8;
/// Half the width of the stroke.
const HALF_STROKE: f64 = 1.6;
/// The clearance around the link that passes over the other.
const CLEARANCE: f64 = 1.3;
/// The mark's part of the full-colour icon: the rest is cut off by round frames.
const SHARE: f64 = 0.64;

const GROUND: [f64; 3] = [29.0, 28.0, 43.0];
const LOWER: [f64; 3] = [255.0, 255.0, 255.0];
const UPPER: [f64; 3] = [255.0, 92.0, 122.0];

/// A square picture; pixels are red, green, blue, opacity.
#[derive(PartialEq)]
pub(super) struct Picture {
    size: u32,
    pixels: Vec<u8>,
}

impl Picture {
    /// White and red on the dark ground.
    pub(super) fn color(size: u32) -> Self {
        Self::paint(size, SHARE, |lower, upper| {
            let mix =
                |i: usize| GROUND[i] * (1.0 - lower - upper) + LOWER[i] * lower + UPPER[i] * upper;
            [mix(0), mix(1), mix(2), 255.0]
        })
    }

    /// White on nothing.
    pub(super) fn outline(size: u32) -> Self {
        Self::paint(size, 1.0, |lower, upper| [255.0, 255.0, 255.0, 255.0 * lower.max(upper)])
    }

    /// Paints every pixel by how much of it each link covers.
    fn paint(size: u32, share: f64, paint: impl Fn(f64, f64) -> [f64; 4]) -> Self {
        let scale = f64::from(size) * share / 32.0;
        let unit = |at: u32| (f64::from(at) + 0.5 - f64::from(size) / 2.0) / scale;
        let pixels = (0..size)
            .flat_map(|y| (0..size).map(move |x| (x, y)))
            .flat_map(|(x, y)| {
                let (lower, upper) = cover(unit(x), unit(y), scale);
                paint(lower, upper).map(byte)
            })
            .collect();
        Self { size, pixels }
    }

    /// The pixel in a column and a row.
    pub(super) fn pixel(&self, x: u32, y: u32) -> [u8; 4] {
        let start = 4 * usize::try_from(y * self.size + x).unwrap();
        self.pixels[start..start + 4].try_into().unwrap()
    }

    /// The picture as a PNG file.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.size, self.size);
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_compression(png::Compression::High);
        encoder.write_header().unwrap().write_image_data(&self.pixels).unwrap();
        file
    }

    /// The picture in a PNG file that [`Picture::encode`] has made.
    pub(super) fn decode(file: &[u8]) -> Self {
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((frame.color_type, frame.width), (png::ColorType::Rgba, frame.height));
        Self { size: frame.width, pixels }
    }
}

/// How much of the pixel around a point the lower and the upper link cover, from 0 to 1.
fn cover(x: f64, y: f64, scale: f64) -> (f64, f64) {
    // Along the chain, and across it.
    let along = (x - y) * FRAC_1_SQRT_2;
    let across = (x + y) * FRAC_1_SQRT_2;
    let lower = stroke(along + OFFSET, across);
    let upper = stroke(along - OFFSET, across);
    let inside = |distance: f64| (0.5 - distance * scale).clamp(0.0, 1.0);
    let spared = |over: f64| 1.0 - inside(over - CLEARANCE);
    // The strokes cross twice, once on each side. Each link is on top once.
    if across > 0.0 {
        (inside(lower), inside(upper) * spared(lower))
    } else {
        (inside(lower) * spared(upper), inside(upper))
    }
}

/// The distance to the stroke of a link around the origin; negative inside.
fn stroke(along: f64, across: f64) -> f64 {
    let beyond = (along.abs() - HALF_SIDE).max(0.0);
    ((beyond * beyond + across * across).sqrt() - RADIUS).abs() - HALF_STROKE
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of 255, never negative"
)]
fn byte(value: f64) -> u8 {
    value.round() as u8
}
