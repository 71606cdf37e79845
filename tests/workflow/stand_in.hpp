#pragma once

#include <string>
#include <string_view>

// Answers of the conformance kit's two outside services, so that the kit runs unchanged and
// offline.
namespace rabt::workflow {

struct StandInAnswer {
  int status = 404;
  std::string type = "application/json";
  std::string body;
};

// target: path and query. authorization: the header's value.
[[nodiscard]] inline StandInAnswer stand_in(std::string_view method, std::string_view host,
                                            std::string_view target,
                                            std::string_view authorization) {
  if (method != "GET") return {405, "text/plain", "only GET"};
  if (host == "petstore.swagger.io") {
    if (target == "/v2/pet/findByStatus?status=available") {
      return {
          200, "application/json",
          R"([{"id":1,"name":"Rex","status":"available"},{"id":2,"name":"Minka","status":"available"}])"};
    }
    if (target == "/v2/pet/1")
      return {200, "application/json", R"({"id":1,"name":"Rex","status":"available"})"};
    if (target == "/v2/pet/2")
      return {200, "application/json", R"({"id":2,"name":"Minka","status":"available"})"};
    if (target == "/v2/swagger.json") {
      return {200, "application/json",
              R"({"swagger":"2.0","info":{"title":"Pets","version":"1.0.0"},)"
              R"("host":"petstore.swagger.io","basePath":"/v2","schemes":["https","http"],)"
              R"("paths":{"/pet/findByStatus":{"get":{"operationId":"findPetsByStatus",)"
              R"("parameters":[{"name":"status","in":"query","required":true,"type":"array",)"
              R"("items":{"type":"string"},"collectionFormat":"multi"}]}},)"
              R"("/pet/{petId}":{"get":{"operationId":"getPetById","parameters":[)"
              R"({"name":"petId","in":"path","required":true,"type":"integer"}]}}}})"};
    }
    return {404, "application/json", R"({"code":1,"type":"error","message":"Pet not found"})"};
  }
  if (host == "httpbin.org" && target == "/basic-auth/serverless-workflow/conformance-test") {
    // base64 of serverless-workflow:conformance-test
    if (authorization == "Basic c2VydmVybGVzcy13b3JrZmxvdzpjb25mb3JtYW5jZS10ZXN0")
      return {200, "application/json", R"({"authenticated":true,"user":"serverless-workflow"})"};
    return {401, "text/plain", ""};
  }
  return {404, "text/plain", "nothing here"};
}

}  // namespace rabt::workflow
