# Test programs of tests/conformance.
$(BUILD)/conformance/sigv4_tool: tests/conformance/sigv4_tool.c $(foreach l,wire codec base,$(BUILD)/lib$(l).a)
	$(call say,TEST,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(call iquote,wire) -o $@ $< $(foreach l,wire codec base,$(BUILD)/lib$(l).a) $(ALL_LDFLAGS) $(PKG_LIBS)
$(BUILD)/conformance/endpoint_tool: tests/conformance/endpoint_tool.c $(foreach l,aws wire codec base,$(BUILD)/lib$(l).a)
	$(call say,TEST,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(call iquote,aws) -o $@ $< $(foreach l,aws wire codec base,$(BUILD)/lib$(l).a) $(ALL_LDFLAGS) $(PKG_LIBS)
.PHONY: conformance-tools
conformance-tools: $(BUILD)/conformance/sigv4_tool $(BUILD)/conformance/endpoint_tool

# The parser of the shared AWS files is in aws/, but needs nothing of it.
$(BUILD)/fuzz/fuzz_profile: tests/fuzz/fuzz_profile.c tests/fuzz/driver.c $(foreach l,aws base,$(BUILD)/lib$(l).a)
	$(call say,FUZZ,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Wno-missing-prototypes -iquote provision/aws -iquote provision/base \
		-o $@ $< $(FUZZ_LD) $(foreach l,aws base,$(BUILD)/lib$(l).a) $(ALL_LDFLAGS) $(PKG_LIBS)
