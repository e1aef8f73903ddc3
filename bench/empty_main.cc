// Linked with all that vesto is linked with: what the start of a process costs before any line of
// ours runs.
int main() { return 0; }
