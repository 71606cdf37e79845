#pragma once

#include <sys/types.h>

#include <string>

#include "hub/base/result.hpp"
#include "hub/worker/frame.hpp"
#include "hub/worker/loan.hpp"

// Starting the program rabt-plugin-host, on the hub's side.
namespace rabt::worker {

// The program, held open: what runs is this file also when another release is installed over it.
// If `path` is empty, it is rabt-plugin-host beside the running program. Error unavailable
// worker.program.
[[nodiscard]] Result<Descriptor> open_program(std::string path);

// One running child, without parents other than the thread that started it: the kernel kills it
// when that thread ends.
struct Process {
  pid_t pid = -1;
  Descriptor pidfd;
  Descriptor frames;
  Descriptor questions;
};
// Environment empty but LANG, descriptors 0 to 2 are /dev/null, and no others than those of
// child.hpp; a session of its own; signals as at the start of a program. library is only read,
// and so is what `loans` lends. Error unavailable worker.spawn.
[[nodiscard]] Result<Process> spawn(const Descriptor& program, int library, const Loans& loans);

// Bytes of the kernel's tables of its pages, where the system tells: they count against no limit of
// a process.
[[nodiscard]] std::uint64_t page_table_bytes(const Process& process);

// End of a child process.
struct End {
  int signal = 0;  // 0 if it exited
  int status = 0;
};
void kill(const Process& process);
// Waits for the end, and collects it. Once for each process.
[[nodiscard]] End wait_end(const Process& process);

}  // namespace rabt::worker
