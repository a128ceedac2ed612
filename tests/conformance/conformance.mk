# Test programs of tests/conformance.
$(BUILD)/conformance/sigv4_tool: tests/conformance/sigv4_tool.c $(foreach l,wire codec base,$(BUILD)/lib$(l).a)
	$(call say,TEST,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(call iquote,wire) -o $@ $< $(foreach l,wire codec base,$(BUILD)/lib$(l).a) $(ALL_LDFLAGS) $(PKG_LIBS)
.PHONY: conformance-tools
conformance-tools: $(BUILD)/conformance/sigv4_tool
