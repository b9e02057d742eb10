//! The switches and the file of plans, which belong to a whole process: one test, one process.

use flambeau_kernels::conv::planner::{Origin, Pass, Problem};
use flambeau_kernels::conv::{self, Geometry, ImageLayout, Settings};

fn geometry(size: usize) -> Geometry {
    Geometry {
        batch: 1,
        in_channels: 32,
        out_channels: 32,
        groups: 1,
        input: [1, size, size],
        kernel: [1, 3, 3],
        stride: [1; 3],
        padding_begin: [0, 1, 1],
        padding_end: [0, 1, 1],
        dilation: [1; 3],
    }
}

fn forward(g: &Geometry) -> Vec<f32> {
    let input: Vec<f32> = (0..g.input_len()).map(|i| (i % 13) as f32 - 6.0).collect();
    let weight: Vec<f32> = (0..g.weight_len()).map(|i| (i % 7) as f32 / 7.0 - 0.5).collect();
    let mut output = vec![0.0; g.output_len()];
    conv::forward(g, ImageLayout::ChannelsFirst, &input, &weight, None, &mut output);
    output
}

#[test]
fn settings_reach_the_planner_and_measured_plans_a_file() {
    let folder = std::env::temp_dir().join(format!("flambeau-plans-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("plans.txt");
    // SAFETY: the only test of this process, and nothing has read the environment yet.
    unsafe { std::env::set_var("FLAMBEAU_PLANS", &file) };
    let plan = |size| conv::plan::<f32>(Problem::new(&geometry(size), ImageLayout::ChannelsFirst, Pass::Forward));

    let allowed = plan(56).algorithm();
    assert!(allowed.starts_with("winograd"), "{allowed}");
    assert_eq!(Settings::update(|settings| settings.allow_winograd = false), Settings::default());
    assert!(!plan(56).algorithm().starts_with("winograd"));
    let description = plan(56).describe();
    assert!(description.reason().ends_with("is not allowed"), "{}", description.reason());
    assert!(!file.exists());

    Settings::default().apply();
    assert_eq!(plan(56).algorithm(), allowed);

    let expected = forward(&geometry(24));
    Settings::update(|settings| settings.benchmark = true);
    let first = forward(&geometry(24));
    let largest = expected.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    assert!(first.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-4 * largest));
    assert_eq!(plan(24).origin(), Origin::Measured);
    assert_eq!(plan(32).origin(), Origin::Estimate);
    assert_eq!(forward(&geometry(24)), first);
    let written = std::fs::read_to_string(&file).expect("a file of plans");
    assert!(written.contains(&format!("= {}\n", plan(24).algorithm())), "{written}");
    assert_eq!(std::fs::read_dir(&folder).expect("the folder").count(), 1, "nothing but the file is left");

    // Other settings are another choice; these remember their own.
    Settings::update(|settings| settings.allow_winograd = false);
    assert_eq!(plan(24).origin(), Origin::Estimate);
    Settings::default().apply();
    assert_eq!(plan(24).origin(), Origin::Measured);
    std::fs::remove_dir_all(&folder).expect("removed");
}
