#pragma once

#include <cstdlib>
#include <fstream>
#include <string>

namespace rabt::test {

inline bool have_program(const char* name) {
  return std::system((std::string("command -v ") + name + " >/dev/null 2>&1").c_str()) == 0;
}

// An authority (ca.pem), and a certificate of it (server.pem, server.key) for these names, made by
// the openssl command for this test alone.
inline bool make_certificates(const std::string& folder,
                              const std::string& names = "IP:127.0.0.1,DNS:localhost") {
  std::ofstream(folder + "/ext") << "subjectAltName=" << names << "\n";
  const std::string make =
      "cd " + folder +
      " && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key "
      "-out ca.pem -days 2 -subj "
      "/CN=test-authority >/dev/null 2>&1"
      " && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out "
      "server.csr -subj "
      "/CN=localhost >/dev/null 2>&1"
      " && openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
      "-extfile ext -out server.pem >/dev/null 2>&1";
  return std::system(make.c_str()) == 0;
}

}  // namespace rabt::test
