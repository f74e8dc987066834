//! The Run room by its keys and by its pictures.
