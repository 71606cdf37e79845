#pragma once

// The program rabt-plugin-host: one plugin, in a process of its own.
namespace rabt::worker {

// Descriptors that the program is started with.
inline constexpr int kFramesAt = 3;     // frames both ways
inline constexpr int kLibraryAt = 4;    // the library, a sealed memory file
inline constexpr int kQuestionsAt = 5;  // questions of services that answer at once
inline constexpr int kProgramAt = 6;    // the program itself
inline constexpr int kLoansAt = 7;      // memory that the hub lends, for reading

// Serves the plugin until the hub closes the frames or destroys it. Exit statuses beside 0: 71 the
// hub's frames cannot be read, 72 a frame cannot be sent, 73 started by hand, 74 a lane gets no
// thread.
int run_child();

}  // namespace rabt::worker
