//! batchtop
