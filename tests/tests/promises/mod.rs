//! Tests of the privacy policy's promises: one file for each, named by its number in the register.

mod p03_the_selected_template;
