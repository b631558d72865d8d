//! Novu
