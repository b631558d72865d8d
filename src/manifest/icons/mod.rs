//! The app's icons, as the Teams package carries them: two links of a chain.
//!
//! They are drawn by `drawing.rs`, which only tests compile; the pictures are committed, so that the
//! program needs no encoder. To change them, change the drawing and run
//! `cargo test --lib icons -- --ignored`.

#[cfg(test)]
mod drawing;

/// The full-colour icon, 192 pixels square (Teams: app package).
pub(super) const COLOR: &[u8] = include_bytes!("color.png");
/// The white icon on transparent ground, 32 pixels square (Teams: app package).
pub(super) const OUTLINE: &[u8] = include_bytes!("outline.png");
/// The ground of the full-colour icon, as HTML writes it; also the app's accent colour, in front of
/// which the platforms show the white icon.
pub(super) const GROUND: &str = "#1d1c2b";

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::drawing::Picture;
    use super::*;

    /// The picture that people upload to Slack, whose manifests carry none: 512 to 2000 pixels.
    const SLACK: &[u8] = include_bytes!("../../../assets/icons/slack.png");

    fn pictures() -> [(&'static str, &'static [u8], Picture); 3] {
        [
            ("src/manifest/icons/color.png", COLOR, Picture::color(192)),
            ("src/manifest/icons/outline.png", OUTLINE, Picture::outline(32)),
            ("assets/icons/slack.png", SLACK, Picture::color(512)),
        ]
    }

    #[test]
    fn the_committed_pictures_are_the_drawn_ones() {
        for (path, committed, drawn) in pictures() {
            assert!(Picture::decode(committed) == drawn, "{path} is out of date: draw it again");
        }
    }

    #[test]
    fn the_accent_is_the_ground() {
        let picture = Picture::color(192);
        let [red, green, blue, opacity] = picture.pixel(0, 0);
        assert_eq!(GROUND, format!("#{}", hex::encode([red, green, blue])));
        assert_eq!(opacity, 255);
    }

    #[test]
    #[ignore = "writes the pictures"]
    fn draw() {
        let repository = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        for (path, _, drawn) in pictures() {
            std::fs::write(repository.join(path), drawn.encode()).unwrap();
        }
    }
}
