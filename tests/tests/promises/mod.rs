//! The promises of the privacy policy, one file each, named by their number in the register.

mod p03_the_selected_template;
