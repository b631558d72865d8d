//! The app's icons, as the Teams package carries them. The pictures are files in `assets/icons/`.

/// The full-colour icon, 192 pixels square (Teams: app package).
pub(super) const COLOR: &[u8] = include_bytes!("../../../assets/icons/teams-color.png");
/// The white icon on transparent ground, 32 pixels square (Teams: app package).
pub(super) const OUTLINE: &[u8] = include_bytes!("../../../assets/icons/teams-outline.png");
/// The ground of the full-colour icon, as HTML writes it: the accent colour of the app, in front of
/// which Teams shows the white icon.
pub(super) const GROUND: &str = "#1d1c2b";
