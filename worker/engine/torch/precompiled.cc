// Nothing of its own: its target holds the header that the others reuse (see CMakeLists.txt).
