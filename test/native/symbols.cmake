# cmake -DNM=nm -DFOLDER=build/CMakeFiles -P test/native/symbols.cmake: fails where an object under FOLDER that
# was compiled for one instruction set holds a weak symbol or a global function. The linker keeps one copy of a
# weak function for all; if that is the AVX-512 one, a smaller CPU dies in it. Not for sanitizer builds, whose
# instrumentation adds weak symbols.
file(GLOB_RECURSE objects ${FOLDER}/kernels_*/*.o)
set(bad "")
foreach(object IN LISTS objects)
  execute_process(COMMAND ${NM} ${object} OUTPUT_VARIABLE symbols RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${NM} cannot read ${object}")
  endif()
  string(REGEX MATCHALL "[^\n]* [TWVvwu] [^\n]*" found "${symbols}")
  foreach(line IN LISTS found)
    string(APPEND bad "\n  ${object}: ${line}")
  endforeach()
endforeach()
list(LENGTH objects count)
if(count EQUAL 0)
  message(FATAL_ERROR "Expected kernel objects under ${FOLDER}, received none. Build sparsemark-native first.")
endif()
if(bad)
  message(FATAL_ERROR "Expected static functions only in kernel objects, received:${bad}")
endif()
message(STATUS "${count} kernel objects hold no weak symbol and no global function")
