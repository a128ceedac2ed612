# Test programs of tests/conformance.
$(BUILD)/conformance/sigv4_tool: tests/conformance/sigv4_tool.c $(foreach l,wire codec base,$(BUILD)/lib$(l).a)
	$(call say,TEST,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(call iquote,wire) -o $@ $< $(foreach l,wire codec base,$(BUILD)/lib$(l).a) $(ALL_LDFLAGS) $(PKG_LIBS)
$(BUILD)/conformance/endpoint_tool: tests/conformance/endpoint_tool.c $(foreach l,aws wire codec base,$(BUILD)/lib$(l).a)
	$(call say,TEST,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(call iquote,aws) -o $@ $< $(foreach l,aws wire codec base,$(BUILD)/lib$(l).a) $(ALL_LDFLAGS) $(PKG_LIBS)
$(BUILD)/conformance/asl_tool: tests/conformance/asl_tool.c $(foreach l,codec base,$(BUILD)/lib$(l).a)
	$(call say,TEST,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(call iquote,codec) -o $@ $< $(foreach l,codec base,$(BUILD)/lib$(l).a) $(ALL_LDFLAGS) $(PKG_LIBS)
.PHONY: conformance-tools
conformance-tools: $(BUILD)/conformance/sigv4_tool $(BUILD)/conformance/endpoint_tool $(BUILD)/conformance/asl_tool

# What reads credentials is in aws/, which the other fuzzers do not link.
AWS_FUZZERS := $(BUILD)/fuzz/fuzz_profile $(BUILD)/fuzz/fuzz_credentials
AWS_FUZZ_LIBS := $(foreach l,aws wire codec base,$(BUILD)/lib$(l).a)
$(AWS_FUZZERS): $(BUILD)/fuzz/%: tests/fuzz/%.c tests/fuzz/driver.c $(AWS_FUZZ_LIBS)
	$(call say,FUZZ,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Wno-missing-prototypes $(foreach l,aws wire codec base,-iquote provision/$(l)) \
		-o $@ $< $(FUZZ_LD) $(AWS_FUZZ_LIBS) $(ALL_LDFLAGS) $(PKG_LIBS)
