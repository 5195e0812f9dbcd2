"""What the workflows have done for them: one class per capability, one call per activity, dependencies injected."""
