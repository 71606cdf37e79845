#pragma once

#include <string>

// One consultation, from a signed webhook to an accepted claim and a filed report.
namespace rabt::demo {

struct Options {
  // Stay up afterwards and print the addresses. Patients have accounts then, and get no link.
  bool serve = false;
  // Gets the addresses, the people and their tokens when the hub stays up and is ready; no file if
  // it is empty.
  std::string ready_file;
  // Kill the hub twenty times in one consultation.
  bool crash = false;
  // The video provider: twilio or chime, played by a stand-in, or janus, which runs on this
  // machine with browsers that call.
  std::string video = "twilio";
  // A RabbitMQ on this machine is told of events.
  bool rabbitmq = false;
  // Keep the data folder.
  bool keep = false;
  // If there is more than one, the demo is a load run and does not tell the story.
  int consultations = 1;
  // The data folder; a temporary one if empty.
  std::string data;
  // The project's folder; found from the place of this program if empty.
  std::string root;
};

// Returns the exit code: 0 if everything came out as it must.
int run(const Options& options);

}  // namespace rabt::demo
