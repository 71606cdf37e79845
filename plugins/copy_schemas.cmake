# Copies a plugin's schemas folder beside its library, when it has one.
if(EXISTS ${FROM})
  file(COPY ${FROM}/ DESTINATION ${TO})
endif()
